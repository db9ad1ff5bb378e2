"""Faults on the wire at run time: which request meets which, and what the phone gets then.

`FaultPlan` decides; whoever carries requests asks it once for each. `FaultyTransport` serves the faults in this
process as answers of the port; a proxy on real sockets asks the same plan.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from random import Random
from typing import Final

from agent.ports import Answer, TransportError, TransportFault
from lab.scenario.model.faults import FaultKind, Target, WireFault
from lab.world.network import UpstreamTransport
from wire import limits, media

PATHS: Final = {
    Target.ALL: "*",
    Target.CHALLENGES: media.CHALLENGES_PATH,
    Target.VERDICTS: media.VERDICTS_PATH,
    Target.KEYS: "/tuf/*",
}


@dataclass
class _Running:
    """A fault that was started at `since`, seconds since the epoch."""

    fault: WireFault
    since: float
    asked: Counter[str] = field(default_factory=Counter)
    struck: int = 0

    def concerns(self, handset: str, path: str, now: float) -> bool:
        fault = self.fault
        mine = not fault.of or handset in fault.of
        return mine and fnmatchcase(path, PATHS[fault.to]) and (fault.from_ or 0) <= now

    def over(self, now: float) -> bool:
        fault = self.fault
        ended = fault.for_ is not None and now >= max(self.since, fault.from_ or 0) + fault.for_
        spent = fault.times is not None and self.struck >= fault.times
        return ended or spent or (fault.until is not None and now >= fault.until)


class FaultPlan:
    """The faults of one scenario. `random` draws for probabilities, `now` is seconds since the epoch."""

    def __init__(self, random: Random, now: Callable[[], float]) -> None:
        self._random = random
        self._now = now
        self._running: list[_Running] = []

    def start(self, fault: WireFault) -> None:
        """Let `fault` strike from now on."""
        self._running.append(_Running(fault, self._now()))

    def clear_faults(self, kind: FaultKind | None = None) -> None:
        """End all faults, or those of one kind."""
        self._running = [each for each in self._running if kind is not None and each.fault.fault is not kind]

    def next(self, handset: str, path: str) -> WireFault | None:
        """The fault that this request of `handset` meets. Each call counts as one request."""
        now = self._now()
        self._running = [each for each in self._running if not each.over(now)]
        concerned = [each for each in self._running if each.concerns(handset, path, now)]
        for each in concerned:  # all of them count it, whichever strikes
            each.asked[handset] += 1
        first = next((each for each in concerned if self._strikes(each, handset)), None)
        if first is None:
            return None
        first.struck += 1
        return first.fault

    def _strikes(self, running: _Running, handset: str) -> bool:
        fault = running.fault
        if fault.on_request not in (None, running.asked[handset]):
            return False
        return fault.probability is None or self._random.random() < fault.probability


_FAILS: Final = {
    FaultKind.NO_ROUTE: TransportFault.UNREACHABLE,
    FaultKind.PARTITION: TransportFault.UNREACHABLE,
    FaultKind.REFUSED: TransportFault.UNREACHABLE,
    FaultKind.DNS_FAILURE: TransportFault.UNREACHABLE,
    FaultKind.RESET: TransportFault.UNREACHABLE,
    FaultKind.CONNECT_TIMEOUT: TransportFault.TIMED_OUT,
    FaultKind.HEADER_TIMEOUT: TransportFault.TIMED_OUT,
    FaultKind.BODY_TIMEOUT: TransportFault.TIMED_OUT,
    FaultKind.SLOW_DRIP: TransportFault.TIMED_OUT,
    FaultKind.TRUNCATED: TransportFault.BROKEN_ANSWER,
    FaultKind.WRONG_LENGTH: TransportFault.BROKEN_ANSWER,
    FaultKind.GZIP_BOMB: TransportFault.BROKEN_ANSWER,
    FaultKind.OVERSIZED: TransportFault.TOO_LARGE,
    FaultKind.REDIRECT: TransportFault.REDIRECTED,
    FaultKind.TLS_FAILURE: TransportFault.TLS_FAILED,
    FaultKind.LOST_ANSWER: TransportFault.TIMED_OUT,
}
"""What `agent.adapters.http` makes of faults that leave no answer to read."""

_AFTER_THE_SERVER: Final = frozenset(
    {
        FaultKind.BODY_TIMEOUT,
        FaultKind.SLOW_DRIP,
        FaultKind.TRUNCATED,
        FaultKind.WRONG_LENGTH,
        FaultKind.OVERSIZED,
        FaultKind.GZIP_BOMB,
        FaultKind.LOST_ANSWER,
    }
)
"""The server has done its work when these strike."""

_STATUS: Final = {
    FaultKind.TOO_MANY_REQUESTS: 429,
    FaultKind.UNAVAILABLE: 503,
    FaultKind.SERVER_ERROR: 500,
}

_OUT_OF_ORDER: Final = {FaultKind.REORDERED: -1, FaultKind.REPLAYED: 0}
"""Which of the earlier answers comes instead."""

PORTAL: Final = b"<!doctype html><title>Wi-Fi</title><p>Please sign in to use this network."

Send = Callable[[], Answer]


@dataclass
class FaultyTransport:
    """Implements `lab.world.network.UpstreamTransport` over another way, with the faults of `plan`.

    `skew` puts the server's clock wrong by so many seconds, and right again by 0.
    """

    onward: UpstreamTransport
    handset: str
    plan: FaultPlan
    random: Random
    skew: Callable[[int], None]
    heard: dict[str, list[Answer]] = field(default_factory=dict)

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Carry a request, unless a fault meets it. Raises TransportError."""
        return self._carry(
            path, lambda: self.onward.post(path, body, content_type=content_type, accept=accept)
        )

    def get(self, path: str, *, accept: str) -> Answer:
        """Carry a download, unless a fault meets it. Raises TransportError."""
        return self._carry(path, lambda: self.onward.get(path, accept=accept))

    def _carry(self, path: str, send: Send) -> Answer:
        fault = self.plan.next(self.handset, path)
        if fault is None:
            return self._keep(path, send())
        if fault.fault in _FAILS:
            if fault.fault in _AFTER_THE_SERVER:
                self._keep(path, send())
            raise TransportError(_FAILS[fault.fault], f"{fault.fault} on the wire")
        if fault.fault in _STATUS:
            wait = None if fault.retry_after is None else min(int(fault.retry_after), limits.RETRY_AFTER_MAX)
            return Answer(_STATUS[fault.fault], "text/plain", b"", wait)
        return self._changed(fault, path, send)

    def _changed(self, fault: WireFault, path: str, send: Send) -> Answer:
        """The faults that let an answer through, which is not the right one."""
        kind = fault.fault
        if kind is FaultKind.CAPTIVE_PORTAL:
            return Answer(200, "text/html", PORTAL)
        if kind is FaultKind.CLOCK_SKEW:
            return self._keep(path, self._skewed(fault.seconds or 0, send))
        earlier = list(self.heard.get(path, ()))
        answer = self._keep(path, send())
        if kind is FaultKind.DUPLICATED:
            return self._keep(path, send())
        if kind in _OUT_OF_ORDER:
            return earlier[_OUT_OF_ORDER[kind]] if earlier else answer
        return self._spoilt(kind, answer)

    def _spoilt(self, kind: FaultKind, answer: Answer) -> Answer:
        if kind is FaultKind.WRONG_MEDIA_TYPE:
            return replace(answer, media_type="application/octet-stream")
        garbage = kind is FaultKind.GARBAGE
        return replace(answer, body=self.random.randbytes(200) if garbage else self._tampered(answer.body))

    def _skewed(self, seconds: int, send: Send) -> Answer:
        self.skew(seconds)
        try:
            return send()
        finally:
            self.skew(0)

    def _tampered(self, body: bytes) -> bytes:
        """One octet is another: in a token a letter for a letter, so that only the signature can tell."""
        if not body:
            return b"x"
        at = self.random.randrange(len(body))
        other = b"A" if body[at : at + 1] != b"A" else b"B"
        return body[:at] + other + body[at + 1 :]

    def _keep(self, path: str, answer: Answer) -> Answer:
        self.heard.setdefault(path, []).append(answer)
        return answer
