"""The states of the machines, and what the agent remembers.

Four small machines run side by side: Setup, Exchange, Lock, and Attention (what stands before the home screen).
What survives a power cut is `Setup`, `Lock` and `Memory`; the rest starts anew at each boot.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from agent.core.screens import LockCause, Trouble
from wire.codes import LockState as Lock
from wire.codes import MessageKey

__all__ = ["Attention", "Exchange", "Lock", "LockCause", "Memory", "Setup", "State", "TimeAnchor"]


class Setup(StrEnum):
    """The setup wizard."""

    LANGUAGE = "language"
    TERMS = "terms"
    CONNECT = "connect"
    ACTIVATE = "activate"
    DONE = "done"


class Exchange(StrEnum):
    """One question to the server and its answer."""

    IDLE = "idle"
    COLLECTING = "collecting"
    CHALLENGING = "challenging"
    AWAITING_VERDICT = "awaiting-verdict"
    BACKOFF = "backoff"


class Attention(StrEnum):
    """What the user must see before the home screen."""

    CLEAR = "clear"
    NOTICE = "notice"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class TimeAnchor:
    """Trusted time: `epoch` seconds were certain when `elapsed` seconds had passed since boot."""

    epoch: int
    elapsed: float = 0.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What the newest verdict said and what the user chose. Deadlines are seconds since the epoch, trusted time.

    `serial` and `policy_version` are floors: no verdict below them is accepted again. A verdict raises each by
    `limits.FLOOR_STEP_MAX` at most, so they may lie below what the newest verdict said. `imei` is the one that the
    newest evidence stated, `thumbprint` that of the key that signed it (RFC 7638): an unlock code is for both.
    """

    time: TimeAnchor
    locale: str = "en"
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


@dataclass(frozen=True, slots=True)
class State:
    """Everything that `step` reads and writes.

    `imei` is what the phone was when it last collected. `anchored` tells whether trusted time is exact, which it is
    within the boot session that received a verdict. `nonce` is the outstanding challenge, or empty, `refusal`
    the code by which the last unlock code was refused. `retry_at` is in
    seconds since boot.
    """

    memory: Memory
    setup: Setup = Setup.LANGUAGE
    exchange: Exchange = Exchange.IDLE
    lock: Lock = Lock.UNPROVISIONED
    attention: Attention = Attention.CLEAR
    imei: str = ""
    anchored: bool = False
    nonce: str = ""
    refusal: str = ""
    attempts: int = 0
    retry_at: float = 0.0
    trouble: Trouble | None = field(default=None)


FRESH_LOCALE: Final = "en"
"""The language of a phone whose user has not chosen one."""


def fresh(floor: int, elapsed: float = 0.0) -> State:
    """The state of a phone that remembers nothing, `elapsed` seconds after its boot.

    `floor` is when its image was built, seconds since the epoch: trusted time begins there.
    """
    return State(memory=Memory(time=TimeAnchor(floor, elapsed), locale=FRESH_LOCALE))
