"""Addresses at which the kernel itself does what a broken network does. Nothing here leaves the machine."""

import socket
from contextlib import ExitStack, suppress
from typing import Final

from lab.fault_proxy.faults import FaultKind

_NO_ROUTE: Final = "127.255.255.255"
"""The broadcast address of loopback: TCP has no route to a broadcast address (ENETUNREACH)."""

_NO_NAME: Final = ".".join([*["nowhere"] * 40, "invalid"])
"""Longer than the 255 octets that a name may have (RFC 1035 section 2.3.4): the resolver fails without asking anybody.
Under `.invalid` it would not resolve anyway (RFC 6761)."""

_PORT: Final = 9

_FILLERS: Final = 4
"""More than a queue of length 0 takes, so that the next connection waits for an answer that does not come."""


class UnreachableAddresses:
    """Where a request goes that is to reach nobody. `close` gives the sockets back."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._made: dict[FaultKind, str] = {}

    def close(self) -> None:
        """Give the sockets back."""
        self._stack.close()

    def authority(self, kind: FaultKind) -> str:
        """Host and port for a fault without a connection, such as `127.0.0.1:40001`."""
        if kind not in self._made:
            self._made[kind] = self._make(kind)
        return self._made[kind]

    def _make(self, kind: FaultKind) -> str:
        if kind is FaultKind.REFUSED:
            return self._port_of(self._bound())  # bound, so that nobody else can listen there
        if kind is FaultKind.CONNECT_TIMEOUT:
            return self._port_of(self._full())
        return f"{_NO_NAME if kind is FaultKind.DNS_FAILURE else _NO_ROUTE}:{_PORT}"

    def _bound(self) -> socket.socket:
        taken = self._stack.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))
        return taken

    def _full(self) -> socket.socket:
        """A listener that accepts nothing, its queue full: the kernel drops what else comes."""
        listener = self._bound()
        listener.listen(0)
        for _ in range(_FILLERS):
            filler = self._stack.enter_context(socket.socket())
            filler.setblocking(False)  # noqa: FBT003 - the socket's own name for it
            with suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        return listener

    @staticmethod
    def _port_of(taken: socket.socket) -> str:
        return f"127.0.0.1:{taken.getsockname()[1]}"
