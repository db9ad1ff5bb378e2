"""The transport of an emulated device through the proxy: the real HTTP adapter, with an address that the fault needs.

The fault is selected before the request leaves, where a resolver and a router would act: the adapter connects to a
port on which nothing listens, to a name that does not resolve, to a wrong certificate, or to the proxy.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from agent.adapters.http import RequestsTransport, Timeouts
from agent.ports import Answer
from lab.fault_proxy.faults import CAUSES_TIMEOUT, IN_HANDSHAKE, NO_CONNECTION, FaultKind
from lab.fault_proxy.listener import Listener, PendingRequest
from lab.fault_proxy.unreachable import UnreachableAddresses
from lab.world.addresses import ForwardedForTransport

SHORT_TIMEOUTS: Final = Timeouts(connect=0.1, read=0.1, total=0.2)
"""For a request whose fault causes a time-out: the adapter gives up after 0.2 real seconds instead of 30. Every other
request keeps the device's own time-outs, so that a slow machine changes nothing."""

RegisterRequest = Callable[[str, str, str], PendingRequest]
"""Numbers a request by device, method and path, and selects its fault."""


@dataclass(slots=True)
class ProxyTransport:
    """Implements `lab.world.network.UpstreamTransport` for one device, which sends one request at a time."""

    device: str
    register: RegisterRequest
    listener: Listener
    unreachable: UnreachableAddresses
    authorities: str | None
    _transports: dict[tuple[str, FaultKind | None], RequestsTransport] = field(default_factory=dict)

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Send a request. Raises TransportError."""
        return self._carry(
            "POST", path, lambda onward: onward.post(path, body, content_type=content_type, accept=accept)
        )

    def get(self, path: str, *, accept: str) -> Answer:
        """Download. Raises TransportError."""
        return self._carry("GET", path, lambda onward: onward.get(path, accept=accept))

    def close(self) -> None:
        """Close the connections."""
        for transport in self._transports.values():
            transport.close()
        self._transports.clear()

    def _carry(self, method: str, path: str, send: Callable[[RequestsTransport], Answer]) -> Answer:
        pending = self.register(self.device, method, path)
        fault = pending.fault.kind if pending.fault else None
        if fault in NO_CONNECTION:
            return send(
                self._transport(f"{self.listener.scheme}://{self.unreachable.authority(fault)}", fault)
            )
        with self.listener.expecting(pending):
            return send(self._transport(self.listener.origin, fault))

    def _transport(self, origin: str, fault: FaultKind | None) -> RequestsTransport:
        """A handshake that must fail needs a connection of its own, too."""
        key = (origin, fault if fault in CAUSES_TIMEOUT | IN_HANDSHAKE else None)
        if key not in self._transports:
            timeouts = SHORT_TIMEOUTS if fault in CAUSES_TIMEOUT else None
            self._transports[key] = ForwardedForTransport(origin, timeouts, self.authorities)
        return self._transports[key]
