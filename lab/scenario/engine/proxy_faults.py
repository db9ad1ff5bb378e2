"""The faults of scenario files, as faults on real sockets."""

from dataclasses import dataclass
from typing import Final, Protocol

from lab.fault_proxy.faults import BUSY, FaultKind
from lab.fault_proxy.schedule import Fault, OutgoingRequest
from lab.scenario.model.faults import FaultKind as Word
from lab.scenario.model.faults import WireFault

KINDS: Final = {
    Word.NO_ROUTE: FaultKind.NO_ROUTE,
    Word.REFUSED: FaultKind.REFUSED,
    Word.DNS_FAILURE: FaultKind.DNS_FAILURE,
    Word.CONNECT_TIMEOUT: FaultKind.CONNECT_TIMEOUT,
    Word.HEADER_TIMEOUT: FaultKind.HEADER_TIMEOUT,
    Word.BODY_TIMEOUT: FaultKind.BODY_TIMEOUT,
    Word.RESET: FaultKind.RESET,
    Word.SLOW_DRIP: FaultKind.SLOW_DRIP,
    Word.TRUNCATED: FaultKind.TRUNCATED,
    Word.WRONG_LENGTH: FaultKind.OVERSTATED_LENGTH,
    Word.OVERSIZED: FaultKind.OVERSIZED,
    Word.GZIP_BOMB: FaultKind.GZIP_BOMB,
    Word.GARBAGE: FaultKind.GARBAGE,
    Word.WRONG_MEDIA_TYPE: FaultKind.WRONG_MEDIA_TYPE,
    Word.REDIRECT: FaultKind.REDIRECT,
    Word.CAPTIVE_PORTAL: FaultKind.CAPTIVE_PORTAL,
    Word.TLS_FAILURE: FaultKind.TLS_SELF_SIGNED,
    Word.TOO_MANY_REQUESTS: FaultKind.TOO_MANY_REQUESTS,
    Word.UNAVAILABLE: FaultKind.UNAVAILABLE,
    Word.SERVER_ERROR: FaultKind.SERVER_ERROR,
    Word.DUPLICATED: FaultKind.DUPLICATED_REQUEST,
    Word.REORDERED: FaultKind.REORDERED,
    Word.REPLAYED: FaultKind.REPLAYED,
    Word.TAMPERED: FaultKind.TAMPERED,
    Word.LOST_ANSWER: FaultKind.LOST_ANSWER,
    Word.CLOCK_SKEW: FaultKind.CLOCK_SKEW,
    Word.PARTITION: FaultKind.PARTITION,
}
"""What each word of a scenario file does on the wire. The network knows more kinds than there are words."""


class Planned(Protocol):
    """A plan of a scenario, such as `lab.scenario.engine.fault_plan.FaultPlan`. Each call counts as one request."""

    def next(self, handset: str, path: str) -> WireFault | None:
        """The fault that this request of `handset` meets."""
        ...


@dataclass(frozen=True, slots=True)
class PlanOfScenario:
    """Lets the plan of a scenario decide for a `HostileProxy`: the same plan as without sockets, asked as often."""

    plan: Planned

    def fault_for(self, asked: OutgoingRequest) -> Fault | None:
        """The fault that befalls a request."""
        fault = self.plan.next(asked.phone, asked.path)
        return None if fault is None else on_the_wire(fault)


def on_the_wire(fault: WireFault) -> Fault | None:
    """What `fault` does to a request that it hits; None for a clock that is off by nothing."""
    kind = KINDS[fault.fault]
    if kind is FaultKind.CLOCK_SKEW:
        return Fault(kind, seconds=fault.seconds) if fault.seconds else None
    wait = fault.retry_after if kind in BUSY else None
    return Fault(kind, retry_after=None if wait is None else int(wait))
