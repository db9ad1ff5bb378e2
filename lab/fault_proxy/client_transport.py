"""A phone's way through the hostile network: the real HTTP of the phone, led to where the network wants it.

The network decides before a request leaves, as a resolver and a router do: the phone's own adapter then meets a port
where nobody listens, a name that does not resolve, a certificate that is not the server's, or the proxy.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from agent.adapters.http import RequestsTransport, Timeouts
from agent.ports import Answer
from lab.fault_proxy.faults import IN_HANDSHAKE, NO_CONNECTION, WAITS, FaultKind
from lab.fault_proxy.listener import Expected, Listener
from lab.fault_proxy.unreachable import UnreachableAddresses
from lab.world.addresses import ForwardedForTransport

BRISK: Final = Timeouts(connect=0.1, read=0.1, total=0.2)
"""For a request that is going to wait in vain: the same adapter gives up within 0.2 real seconds instead of 30. Every
other request keeps the phone's own time-outs, so that a slow machine changes nothing."""


class Network(Protocol):
    """Who decides what befalls a request."""

    def register_request(self, phone: str, method: str, path: str) -> Expected:
        """A request leaves a phone."""
        ...


@dataclass(slots=True)
class ProxyTransport:
    """Implements `lab.backend.hosts.Transport` for one phone, which sends one request at a time."""

    phone: str
    network: Network
    line: Listener
    dead_ends: UnreachableAddresses
    authorities: str | None
    _transports: dict[tuple[str, FaultKind | None], RequestsTransport] = field(default_factory=dict)

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Send a request into the network. Raises TransportError."""
        return self._carry(
            "POST", path, lambda way: way.post(path, body, content_type=content_type, accept=accept)
        )

    def get(self, path: str, *, accept: str) -> Answer:
        """Send a download into the network. Raises TransportError."""
        return self._carry("GET", path, lambda way: way.get(path, accept=accept))

    def close(self) -> None:
        """Give back the connections."""
        for transport in self._transports.values():
            transport.close()
        self._transports.clear()

    def _carry(self, method: str, path: str, send: Callable[[RequestsTransport], Answer]) -> Answer:
        expected = self.network.register_request(self.phone, method, path)
        fault = expected.fault.kind if expected.fault else None
        if fault in NO_CONNECTION:
            return send(self._transport(f"{self.line.scheme}://{self.dead_ends.authority(fault)}", fault))
        self.line.expect(expected)
        try:
            return send(self._transport(self.line.origin, fault))
        finally:
            self.line.settle(expected)

    def _transport(self, origin: str, fault: FaultKind | None) -> RequestsTransport:
        """A handshake that is to fail needs a connection of its own, too."""
        kept = (origin, fault if fault in WAITS | IN_HANDSHAKE else None)
        if kept not in self._transports:
            timeouts = BRISK if fault in WAITS else None
            self._transports[kept] = ForwardedForTransport(origin, timeouts, self.authorities)
        return self._transports[kept]
