"""Addresses at which the kernel itself reports what a broken network reports. No packet leaves the machine."""

import socket
from contextlib import ExitStack, suppress
from typing import Final

from lab.fault_proxy.faults import FaultKind

_NO_ROUTE: Final = "127.255.255.255"
"""The broadcast address of loopback: TCP has no route to a broadcast address (ENETUNREACH)."""

_NO_NAME: Final = ".".join([*["nowhere"] * 40, "invalid"])
"""Longer than the 255 bytes that a name may have (RFC 1035 section 2.3.4): the resolver fails without a query.
Under `.invalid` it would not resolve anyway (RFC 6761)."""

_PORT: Final = 9

_FILLERS: Final = 4
"""More than a queue of length 0 accepts, so that the next connection waits for an answer that does not come."""


class UnreachableAddresses:
    """Addresses for faults that prevent a connection. `close` releases the sockets."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._addresses: dict[FaultKind, str] = {}

    def close(self) -> None:
        """Release the sockets."""
        self._stack.close()

    def authority(self, kind: FaultKind) -> str:
        """Host and port for a fault without a connection, such as `127.0.0.1:40001`."""
        if kind not in self._addresses:
            self._addresses[kind] = self._make(kind)
        return self._addresses[kind]

    def _make(self, kind: FaultKind) -> str:
        if kind not in (FaultKind.REFUSED, FaultKind.CONNECT_TIMEOUT):
            return f"{_NO_NAME if kind is FaultKind.DNS_FAILURE else _NO_ROUTE}:{_PORT}"
        bound = self._stack.enter_context(socket.socket())
        bound.bind(("127.0.0.1", 0))  # so that no other process can listen there
        if kind is FaultKind.CONNECT_TIMEOUT:
            # It accepts nothing and its queue is full: the kernel drops further connection requests.
            bound.listen(0)
            for _ in range(_FILLERS):
                filler = self._stack.enter_context(socket.socket())
                filler.setblocking(False)  # noqa: FBT003 - the socket's own name for it
                with suppress(BlockingIOError):
                    filler.connect(bound.getsockname())
        return f"127.0.0.1:{bound.getsockname()[1]}"
