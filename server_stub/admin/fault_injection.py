"""Faults that this server commits on purpose: its next answers come late, wrong, again, not at all, or as rubbish.

The verdict is decided, recorded and signed first; the fault spoils what the phone gets. So a phone sees what it would
see of a broken server, and the records say what the server meant. Faults live in one process and end with it.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count
from threading import Lock
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server_stub.signing.signing_key import SigningKey
from wire import media
from wire.verdict import Verdict

DELAY_MAX: Final = 300
"""Longest delay in seconds: longer than any phone waits."""

COUNT_MAX: Final = 1_000_000

_REMEMBERED: Final = 4096
"""Devices whose newest token is remembered, to be replayed."""

_GARBAGE_OCTETS: Final = 700


class FaultKind(StrEnum):
    """What is done to an answer."""

    SLOW = "slow"
    """It comes after `delay` seconds."""
    WRONG_KEY = "wrong-key"
    """The verdict is signed by a key that nobody has published."""
    REPLAYED = "replayed"
    """The answer before this one is given again: to the same device, or the last challenge."""
    ERROR = "error"
    """Status `status` and a problem document instead."""
    GARBAGE = "garbage"
    """Random octets, declared as what was asked for."""


class FaultRoute(StrEnum):
    """Which answers."""

    VERDICTS = "verdicts"
    CHALLENGES = "challenges"


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """The next `count` answers of `route`, to `device` or to all. `remaining` of them are still to come.

    `delay` is in seconds, for `slow`; `status` and `retry_after` are for `error`.
    """

    kind: FaultKind
    count: int
    route: FaultRoute = FaultRoute.VERDICTS
    device: str | None = None
    delay: int = 0
    status: int = 503
    retry_after: int | None = None
    id: int = 0
    remaining: int = 0


@dataclass(frozen=True, slots=True)
class InjectedResponse:
    """What is answered instead. `body` is None where the status says all."""

    fault: InjectedFault
    body: bytes | None = field(repr=False)


class Faults:
    """The faults of one process. Safe to use from many threads. `random` gives random octets."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._lock = Lock()
        self._numbers = count(1)
        self._faults: dict[int, InjectedFault] = {}
        self._tokens: OrderedDict[str, bytes] = OrderedDict()
        self._challenge: bytes | None = None

    def numbered(self, fault: InjectedFault) -> InjectedFault:
        """`fault` with a number of its own, before it is armed."""
        with self._lock:
            return replace(fault, id=next(self._numbers), remaining=fault.count)

    def arm(self, fault: InjectedFault) -> None:
        """Let a numbered `fault` happen from now on; the first one that was armed happens first."""
        with self._lock:
            self._faults[fault.id] = fault

    def list(self) -> tuple[InjectedFault, ...]:
        """What is still to come, in the order in which it was armed."""
        with self._lock:
            return tuple(self._faults.values())

    def clear(self, ids: Sequence[int] | None = None) -> tuple[InjectedFault, ...]:
        """Call these faults off, or all, and return those that were still to come."""
        with self._lock:
            wanted = list(self._faults) if ids is None else ids
            return tuple(self._faults.pop(number) for number in wanted if number in self._faults)

    def verdict(self, verdict: Verdict, token: bytes) -> InjectedResponse | None:
        """What is answered instead of `token`, None where no fault applies."""
        with self._lock:
            before = self._tokens.get(verdict.sub)
            self._remember(verdict.sub, token)
            fault = self._next(FaultRoute.VERDICTS, verdict.sub, replayable=before is not None)
        if fault is None:
            return None
        bodies: dict[FaultKind, Callable[[], bytes | None]] = {
            FaultKind.SLOW: lambda: token,
            FaultKind.WRONG_KEY: lambda: self._wrong_key().sign(verdict).encode(),
            FaultKind.REPLAYED: lambda: before,
            FaultKind.ERROR: lambda: None,
            FaultKind.GARBAGE: lambda: self._random(_GARBAGE_OCTETS),
        }
        return InjectedResponse(fault, bodies[fault.kind]())

    def challenge(self, challenge: bytes) -> InjectedResponse | None:
        """What is answered instead of `challenge`, None where no fault applies."""
        with self._lock:
            before, self._challenge = self._challenge, challenge
            fault = self._next(FaultRoute.CHALLENGES, None, replayable=before is not None)
        if fault is None:
            return None
        bodies: dict[FaultKind, Callable[[], bytes | None]] = {
            FaultKind.SLOW: lambda: challenge,
            FaultKind.REPLAYED: lambda: before,
            FaultKind.ERROR: lambda: None,
            FaultKind.GARBAGE: lambda: self._random(_GARBAGE_OCTETS),
        }
        return InjectedResponse(fault, bodies[fault.kind]())

    def _next(self, route: FaultRoute, device: str | None, *, replayable: bool) -> InjectedFault | None:
        """The fault that happens now. A replay waits until there is something to replay."""
        for fault in self._faults.values():
            applies = fault.route is route and fault.device in (None, device)
            if applies and (replayable or fault.kind is not FaultKind.REPLAYED):
                self._use(fault)
                return fault
        return None

    def _use(self, fault: InjectedFault) -> None:
        if fault.remaining > 1:
            self._faults[fault.id] = replace(fault, remaining=fault.remaining - 1)
        else:
            del self._faults[fault.id]

    def _remember(self, sub: str, token: bytes) -> None:
        self._tokens[sub] = token
        self._tokens.move_to_end(sub)
        if len(self._tokens) > _REMEMBERED:
            self._tokens.popitem(last=False)

    def _wrong_key(self) -> SigningKey:
        return SigningKey.of(Ed25519PrivateKey.from_private_bytes(self._random(32)))


def check(fault: InjectedFault) -> str | None:
    """What is wrong with `fault`, None where it can happen."""
    if fault.route is FaultRoute.CHALLENGES:
        if fault.device is not None:
            return "a challenge is asked for by nobody in particular; leave device out"
        if fault.kind is FaultKind.WRONG_KEY:
            return "a challenge is not signed; wrong-key is for verdicts"
    if (fault.kind is FaultKind.SLOW) != (fault.delay > 0):
        return "delay is for slow, which needs one of 1 second or more"
    if fault.retry_after is not None and fault.kind is not FaultKind.ERROR:
        return "retry_after is for error"
    return None


MEDIA_TYPES: Final = {FaultRoute.VERDICTS: media.VERDICT, FaultRoute.CHALLENGES: media.JSON}
"""What a spoilt answer is declared as."""
