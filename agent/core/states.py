"""The states of the four machines (see `table`) and the data of the agent.

`Setup`, `Lock` and `Memory` are sealed and survive a power cut. The rest is initialised at each boot.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from agent.core.screens import LockCause, ModemTrouble, Trouble
from agent.verification.bounds import TimestampBounds
from wire.codes import LockState as Lock
from wire.codes import MessageKey

__all__ = ["Attention", "Exchange", "Lock", "LockCause", "Memory", "Setup", "State", "TimeAnchor"]


FRESH_LOCALE: Final = "en"
"""The language until the user chooses one."""


class Setup(StrEnum):
    """The setup wizard."""

    LANGUAGE = "language"
    TERMS = "terms"
    CONNECT = "connect"
    ACTIVATE = "activate"
    DONE = "done"


class Exchange(StrEnum):
    """One request for a verdict."""

    IDLE = "idle"
    COLLECTING = "collecting"
    CHALLENGING = "challenging"
    AWAITING_VERDICT = "awaiting-verdict"
    BACKOFF = "backoff"


class Attention(StrEnum):
    """Which screen is in front of the home screen."""

    CLEAR = "clear"
    NOTICE = "notice"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class TimeAnchor:
    """Trusted time was `epoch` seconds when `elapsed` seconds had passed since boot."""

    epoch: int
    elapsed: float = 0.0


@dataclass(frozen=True, slots=True)
class Memory:
    """Data of the newest verdict and choices of the user. Deadlines are seconds since the epoch in trusted time.

    `time` is trusted time, and the floor in `bounds` is that of the same instant, never above it (see `timing`).

    `serial` and `policy_version` are floors: a verdict below them is rejected (but see `policy_floor`). A verdict
    raises each of them by at most `limits.FLOOR_STEP_MAX`, so they can be lower than its own numbers. `imei` is the
    IMEI that evidence contained last and `thumbprint` (RFC 7638) the key that signed the newest one: an unlock code
    must match both.

    `warn_at` is a share of the offline limit (`timing.WARNING_SHARE`) before `offline_at`, and the same time after it
    once the warning was shown: so the length of the limit is known when a `defer` renews it.
    """

    time: TimeAnchor
    bounds: TimestampBounds = field(default_factory=TimestampBounds)
    locale: str = FRESH_LOCALE
    terms_version: str = ""
    serial: int = 0
    policy_version: int = 0
    jti: str = ""
    imei: str = ""
    thumbprint: str = ""
    message: MessageKey | None = None
    args: tuple[tuple[str, str], ...] = ()
    case: str = ""
    territory: str = ""
    cause: LockCause = LockCause.NONE
    lock_at: int | None = None
    check_in_at: int | None = None
    warn_at: int | None = None
    offline_at: int | None = None
    boots: int = 0

    def with_deadlines_moved(self, seconds: int) -> "Memory":
        """This memory with every deadline later by `seconds`, or earlier if negative."""

        def moved(deadline: int | None) -> int | None:
            return None if deadline is None else deadline + seconds

        return replace(
            self,
            lock_at=moved(self.lock_at),
            check_in_at=moved(self.check_in_at),
            warn_at=moved(self.warn_at),
            offline_at=moved(self.offline_at),
        )

    def policy_floor(self, bounds: TimestampBounds | None) -> int:
        """The lowest policy version of a verdict in an exchange that showed `bounds`, or of an unlock code (None).

        It starts again from 0 under a root of a higher version than the sealed one: so the vendor can lower it. A
        record of an earlier release has no root to compare with.
        """
        newer = bounds is not None and bounds.root > self.bounds.root
        return 0 if newer and self.bounds.root else self.policy_version


@dataclass(frozen=True, slots=True)
class State:
    """The input and output of `step`.

    `imei` is the IMEI that was read last, and `modem` why a part of that reading is missing. `nonce` is the pending
    challenge, or empty. `refusal` is the code by which the last unlock code was rejected, or empty. `retry_at` is in
    seconds since boot.
    """

    memory: Memory
    setup: Setup = Setup.LANGUAGE
    exchange: Exchange = Exchange.IDLE
    lock: Lock = Lock.UNPROVISIONED
    attention: Attention = Attention.CLEAR
    imei: str = ""
    modem: ModemTrouble | None = None
    nonce: str = ""
    refusal: str = ""
    attempts: int = 0
    retry_at: float = 0.0
    trouble: Trouble | None = field(default=None)


def fresh(floor: int, elapsed: float = 0.0) -> State:
    """The state of a new device, `elapsed` seconds after boot.

    Trusted time and its floor begin at `floor`, the build time of the image in seconds since the epoch.
    """
    return State(memory=Memory(time=TimeAnchor(floor, elapsed), bounds=TimestampBounds(floor)))
