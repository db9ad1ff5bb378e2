"""The transport of an emulated device through the proxy: the real HTTP adapter, with an address that the fault needs.

The fault is selected before the request leaves, where a resolver and a router would act: the adapter connects to a
port on which nothing listens, to a name that does not resolve, to a wrong certificate, or to the proxy.
"""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from agent.adapters.http import RequestsTransport, Timeouts
from agent.ports import Answer
from lab.backend.forwarded_addresses import ForwardedForTransport
from lab.fault_proxy.listener import Listener, PendingRequest, SocketAddress, family_of, netloc
from lab.world.network import ForwardingTransport, Request
from server_stub.faults.catalogue import CAUSES_TIMEOUT, IN_HANDSHAKE, FaultKind

_NO_ROUTE: Final = "127.255.255.255"
"""The broadcast address of loopback: TCP has no route to a broadcast address (ENETUNREACH)."""

_NO_NAME: Final = ".".join([*["nowhere"] * 40, "invalid"])
"""Longer than the 255 bytes that a name may have (RFC 1035 section 2.3.4): the resolver fails without a query.
Under `.invalid` it would not resolve anyway (RFC 6761)."""

_PORT: Final = 9

NOWHERE: Final[Mapping[FaultKind, SocketAddress]] = MappingProxyType({})
_FILLERS: Final = 4
"""More than a queue of length 0 accepts, so that the next connection waits for a response that does not come."""

SHORT_TIMEOUTS: Final = Timeouts(connect=0.1, read=0.1, total=0.2)
"""For a request whose fault causes a time-out: the adapter gives up after 0.2 real seconds instead of 30. Every other
request keeps the device's own time-outs, so that a slow machine changes nothing."""

RegisterRequest = Callable[[str, str, str], PendingRequest]
"""Numbers a request by device, method and path, and selects its fault."""


@contextmanager
def unreachable_addresses(at: Mapping[FaultKind, SocketAddress] = NOWHERE) -> Iterator[dict[FaultKind, str]]:
    """Host and port for each fault without a connection, such as `127.0.0.1:40001`, valid inside the block.

    There the kernel itself reports what a broken network reports. No packet leaves the machine. `at` chooses the
    address of `refused` or `connect-timeout`. Raises OSError if it is in use.
    """
    with ExitStack() as stack:
        bound = []
        for kind in (FaultKind.REFUSED, FaultKind.CONNECT_TIMEOUT):
            host, port = at.get(kind, ("127.0.0.1", 0))
            listener = stack.enter_context(socket.socket(family_of(host)))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))  # so that no other process can listen there
            bound.append(listener)
        refused, full = (netloc(listener.getsockname()) for listener in bound)
        # The second accepts nothing and its queue is full: the kernel drops further connection requests.
        bound[1].listen(0)
        for _ in range(_FILLERS):
            filler = stack.enter_context(socket.socket(bound[1].family))
            filler.setblocking(False)  # noqa: FBT003 - the socket's own name for it
            with suppress(BlockingIOError):
                filler.connect(bound[1].getsockname())
        yield {
            FaultKind.NO_ROUTE: f"{_NO_ROUTE}:{_PORT}",
            FaultKind.PARTITION: f"{_NO_ROUTE}:{_PORT}",
            FaultKind.REFUSED: refused,
            FaultKind.DNS_FAILURE: f"{_NO_NAME}:{_PORT}",
            FaultKind.CONNECT_TIMEOUT: full,
        }


@dataclass
class ProxyTransport(ForwardingTransport):
    """The transport of one device, which sends one request at a time."""

    device: str
    register_request: RegisterRequest
    listener: Listener
    unreachable: dict[FaultKind, str]
    authorities: str | None
    _transports: dict[tuple[str, FaultKind | None], RequestsTransport] = field(default_factory=dict)

    def close(self) -> None:
        """Close the connections."""
        for transport in self._transports.values():
            transport.close()
        self._transports.clear()

    def _carry(self, request: Request) -> Answer:
        pending = self.register_request(self.device, request.method, request.path)
        fault = pending.fault.kind if pending.fault else None
        if fault in self.unreachable:
            return request.send(self._transport(f"{self.listener.scheme}://{self.unreachable[fault]}", fault))
        with self.listener.expecting(pending):
            return request.send(self._transport(self.listener.origin, fault))

    def _transport(self, origin: str, fault: FaultKind | None) -> RequestsTransport:
        """A handshake that must fail needs a separate connection, too."""
        key = (origin, fault if fault in CAUSES_TIMEOUT | IN_HANDSHAKE else None)
        if key not in self._transports:
            timeouts = SHORT_TIMEOUTS if fault in CAUSES_TIMEOUT else None
            self._transports[key] = ForwardedForTransport(origin, timeouts, self.authorities)
        return self._transports[key]
