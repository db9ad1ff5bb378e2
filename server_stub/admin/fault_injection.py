"""Faults that the server injects into its own responses: late, wrongly signed, replayed, an error, or random bytes.

The verdict is decided, recorded and signed first; then the fault changes the response. So a device sees a broken
server, and the records hold the intended verdict. Faults exist in one process only and are not persisted.
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
"""The longest delay in seconds: longer than any device waits."""

COUNT_MAX: Final = 1_000_000

_REMEMBERED: Final = 4096
"""The number of devices whose newest token is stored for replay."""

_GARBAGE_LENGTH: Final = 700


class InjectedFaultKind(StrEnum):
    """What is done to a response."""

    SLOW = "slow"
    """Sent after `delay` seconds."""
    WRONG_KEY = "wrong-key"
    """The verdict is signed by a key that is not published."""
    REPLAYED = "replayed"
    """The previous response is sent again: the one to the same device, or the previous challenge."""
    ERROR = "error"
    """Status `status` and a problem document."""
    GARBAGE = "garbage"
    """Random bytes with the media type of the requested response."""


class FaultRoute(StrEnum):
    """Which responses."""

    VERDICTS = "verdicts"
    CHALLENGES = "challenges"


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """A fault in the next `count` responses of `route`, to `device` or to all; `remaining` are still to come.

    `delay` is in seconds, for `slow`; `status` and `retry_after` are for `error`.
    """

    kind: InjectedFaultKind
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
    """The response to send instead. `body` is None if `fault` is an error."""

    fault: InjectedFault
    body: bytes | None = field(repr=False)


class Faults:
    """The faults of one process. Thread-safe. `random` returns the given number of random bytes."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._lock = Lock()
        self._numbers = count(1)
        self._faults: dict[int, InjectedFault] = {}
        self._tokens: OrderedDict[str, bytes] = OrderedDict()
        self._challenge: bytes | None = None

    def numbered(self, fault: InjectedFault) -> InjectedFault:
        """`fault` with a new id, before it is armed."""
        with self._lock:
            return replace(fault, id=next(self._numbers), remaining=fault.count)

    def arm(self, fault: InjectedFault) -> None:
        """Inject a numbered `fault` from now on, after those that were armed before it."""
        with self._lock:
            self._faults[fault.id] = fault

    def list(self) -> tuple[InjectedFault, ...]:
        """The pending faults in the order in which they were armed."""
        with self._lock:
            return tuple(self._faults.values())

    def clear(self, ids: Sequence[int] | None = None) -> tuple[InjectedFault, ...]:
        """Remove these faults, or all, and return those that were pending."""
        with self._lock:
            wanted = list(self._faults) if ids is None else ids
            return tuple(self._faults.pop(number) for number in wanted if number in self._faults)

    def verdict(self, verdict: Verdict, token: bytes) -> InjectedResponse | None:
        """The response instead of `token`, None if no fault applies."""
        with self._lock:
            before = self._tokens.get(verdict.sub)
            self._tokens[verdict.sub] = token
            self._tokens.move_to_end(verdict.sub)
            if len(self._tokens) > _REMEMBERED:
                self._tokens.popitem(last=False)
            fault = self._next(FaultRoute.VERDICTS, verdict.sub, replayable=before is not None)
        if fault and fault.kind is InjectedFaultKind.WRONG_KEY:
            key = SigningKey.of(Ed25519PrivateKey.from_private_bytes(self._random(32)))
            return InjectedResponse(fault, key.sign(verdict).encode())
        return self._inject(fault, token, before)

    def challenge(self, challenge: bytes) -> InjectedResponse | None:
        """The response instead of `challenge`, None if no fault applies."""
        with self._lock:
            before, self._challenge = self._challenge, challenge
            fault = self._next(FaultRoute.CHALLENGES, None, replayable=before is not None)
        return self._inject(fault, challenge, before)

    def _inject(
        self, fault: InjectedFault | None, response: bytes, before: bytes | None
    ) -> InjectedResponse | None:
        if fault is None:
            return None
        if fault.kind is InjectedFaultKind.GARBAGE:
            return InjectedResponse(fault, self._random(_GARBAGE_LENGTH))
        bodies = {InjectedFaultKind.SLOW: response, InjectedFaultKind.REPLAYED: before}
        return InjectedResponse(fault, bodies.get(fault.kind))

    def _next(self, route: FaultRoute, device: str | None, *, replayable: bool) -> InjectedFault | None:
        """The fault to inject now. A replay stays pending until there is something to replay."""
        for fault in self._faults.values():
            applies = fault.route is route and fault.device in (None, device)
            if applies and (replayable or fault.kind is not InjectedFaultKind.REPLAYED):
                if fault.remaining > 1:
                    self._faults[fault.id] = replace(fault, remaining=fault.remaining - 1)
                else:
                    del self._faults[fault.id]
                return fault
        return None


def check(fault: InjectedFault) -> str | None:
    """What is wrong with `fault`, None if it is possible."""
    if fault.route is FaultRoute.CHALLENGES:
        if fault.device is not None:
            return "a challenge is not for a known device; leave device out"
        if fault.kind is InjectedFaultKind.WRONG_KEY:
            return "a challenge is not signed; wrong-key is for verdicts"
    if (fault.kind is InjectedFaultKind.SLOW) != (fault.delay > 0):
        return "delay is for slow, which needs one of 1 second or more"
    if fault.retry_after is not None and fault.kind is not InjectedFaultKind.ERROR:
        return "retry_after is for error"
    return None


MEDIA_TYPES: Final = {FaultRoute.VERDICTS: media.VERDICT, FaultRoute.CHALLENGES: media.JSON}
"""The media types of injected responses."""
