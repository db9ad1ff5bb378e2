"""Injects faults in this process, as the results that the HTTP adapter of a device would report for them."""

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Final

from agent.ports import Answer, TransportError, TransportFault
from lab.fault_proxy.log import ReplayCache
from lab.fault_proxy.schedule import FaultScheduler, NetworkFault, OutgoingRequest
from lab.world.clock import SkewedClock, World
from lab.world.network import ForwardingTransport, Request, UpstreamTransport
from server_stub.faults.catalogue import PROCESSED, STATUS, FaultKind
from server_stub.faults.responses import PORTAL, tampered
from wire import limits

if TYPE_CHECKING:
    from collections.abc import Callable

_TRANSPORT_FAULTS: Final = {
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
"""What `agent.adapters.http` reports for faults without a readable response."""

_GARBAGE_BYTES: Final = 200


@dataclass
class FaultyTransport(ForwardingTransport):
    """Sends requests on `upstream`, with the faults of `scheduler`. `clock` is the server's clock."""

    upstream: UpstreamTransport
    device: str
    scheduler: FaultScheduler
    world: World
    clock: SkewedClock
    random: Random
    earlier: ReplayCache[Answer]

    def _carry(self, request: Request) -> Answer:
        path = request.path
        first, newest = self.earlier.first(self.device, path), self.earlier.newest(self.device, path)
        repeated = newest is not None
        fault = self.scheduler.fault_for(
            OutgoingRequest(self.device, path, self.world.exact(), repeated=repeated)
        )

        def ask() -> Answer:
            answer = request.send(self.upstream)
            self.earlier.keep(self.device, path, answer)
            return answer

        if fault is None:
            return ask()
        if fault.kind not in PROCESSED:
            return _without_server(fault)
        with self.clock.off_by(fault.seconds or 0):
            answer = ask()
        changes: dict[FaultKind, Callable[[], Answer]] = {
            FaultKind.CLOCK_SKEW: lambda: answer,
            FaultKind.DUPLICATED: ask,
            FaultKind.REORDERED: lambda: newest or answer,
            FaultKind.REPLAYED: lambda: first or answer,
            FaultKind.WRONG_MEDIA_TYPE: lambda: replace(answer, media_type="application/octet-stream"),
            FaultKind.GARBAGE: lambda: replace(answer, body=self.random.randbytes(_GARBAGE_BYTES)),
            FaultKind.TAMPERED: lambda: replace(answer, body=tampered(answer.body, self.random)),
        }
        if fault.kind not in changes:
            raise _error(fault.kind)
        return changes[fault.kind]()


def _without_server(fault: NetworkFault) -> Answer:
    """The response to a request that the server never receives. Raises TransportError."""
    if fault.kind is FaultKind.CAPTIVE_PORTAL:
        return Answer(200, "text/html", PORTAL)
    if fault.kind not in STATUS:
        raise _error(fault.kind)
    wait = None if fault.retry_after is None else min(fault.retry_after, limits.RETRY_AFTER_MAX)
    return Answer(STATUS[fault.kind], "text/plain", b"", wait)


def _error(kind: FaultKind) -> TransportError:
    return TransportError(_TRANSPORT_FAULTS[kind], f"{kind} on the wire")
