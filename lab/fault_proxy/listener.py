"""A listening socket, by default on loopback, that receives the requests of one device, or of other clients."""

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from lab.fault_proxy.http1 import NoRequestError, ProxyRequest, read_request
from lab.fault_proxy.log import ServedConnection
from lab.fault_proxy.schedule import NetworkFault
from server_stub.faults.catalogue import IN_HANDSHAKE, FaultKind

SocketAddress = tuple[str, int]
"""An IP address and a port; port 0 selects a free one."""

ANY_PORT: Final[SocketAddress] = ("127.0.0.1", 0)
_CONNECTIONS_MAX: Final = 128
"""Simultaneous connections; one more is closed immediately."""

_IDLE_SECONDS: Final = 60.0
"""After this time without data a connection is closed."""

_CLOSE_SECONDS: Final = 2.0
_DONE_SECONDS: Final = _IDLE_SECONDS + 10

_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER switched on with no time: closing sends RST (POSIX; RFC 9293 section 3.10.4)."""


@dataclass(frozen=True, slots=True)
class ClientConnection:
    """A connection of a client, perhaps under TLS. Every method can raise OSError once the client has closed it."""

    connection: socket.socket
    served: ServedConnection

    def send(self, content: bytes) -> None:
        """Send all of `content`."""
        self.connection.sendall(content)

    def send_slowly(self, content: bytes, pause: float) -> None:
        """Send one byte at a time, `pause` seconds apart."""
        for byte in content:
            self.send(bytes((byte,)))
            time.sleep(pause)

    def stall(self) -> None:
        """Send nothing until the client closes the connection."""
        with contextlib.suppress(OSError):
            while self.connection.recv(4096):
                pass

    def reset(self) -> None:
        """Close the connection with a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.connection.close()


@dataclass(slots=True)
class PendingRequest:
    """A request that a device is about to send, and the fault to inject. `done` is set when it has been handled."""

    number: int
    device: str
    fault: NetworkFault | None
    done: threading.Event = field(default_factory=threading.Event)


Serve = Callable[[ClientConnection, ProxyRequest, PendingRequest | None], bool]
"""Handles one request. Returns whether the connection stays open for another."""

TlsContextFor = Callable[[FaultKind | None], ssl.SSLContext]
"""The TLS context, with its certificate, under a fault or without one."""


@dataclass(frozen=True, slots=True)
class FrontPort:
    """How clients without a transport of the proxy are served.

    `at_connect` returns the request that a new connection stands for, if a fault affects the connection itself.
    `report` is called when a connection has ended.
    """

    address: SocketAddress
    at_connect: Callable[[], PendingRequest | None]
    report: Callable[[ServedConnection], None]


class Listener:
    """Listens from its creation until `close`, under TLS if it is given TLS contexts. Raises OSError.

    `front` is for clients that are not announced by `expecting`.
    """

    def __init__(
        self, serve: Serve, tls_context_for: TlsContextFor | None, front: FrontPort | None = None
    ) -> None:
        self._serve = serve
        self._tls_context_for = tls_context_for
        self._front = front
        host, port = front.address if front else ANY_PORT
        self._listener = socket.create_server((host, port), family=family_of(host))
        self._pending: PendingRequest | None = None
        self._open: set[socket.socket] = set()
        self._most = _CONNECTIONS_MAX
        self._free = threading.Semaphore(self._most)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="fault-proxy", daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{netloc(self._listener.getsockname())}"

    @property
    def scheme(self) -> str:
        """`https` under TLS, else `http`."""
        return "https" if self._tls_context_for else "http"

    def close(self) -> None:
        """Stop listening, end every connection, and wait a moment until all have been handled."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._thread.join(5)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        until = time.monotonic() + _CLOSE_SECONDS
        for _ in range(self._most):
            if not self._free.acquire(timeout=max(0.0, until - time.monotonic())):
                return

    @contextlib.contextmanager
    def expecting(self, pending: PendingRequest) -> Iterator[None]:
        """The next request is `pending`; on exit, waits until it is handled, so that the server is idle again."""
        self._pending = pending
        try:
            yield
        finally:
            pending.done.wait(_DONE_SECONDS)
            self._pending = None

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._free.acquire(blocking=False):
                threading.Thread(target=self._handle, args=(connection,), daemon=True).start()
            else:
                connection.close()

    def _handle(self, connection: socket.socket) -> None:
        """Handle all requests on a connection. However this ends, the pending request is done then."""
        pending = self._pending
        if pending is None and self._front:
            pending = self._front.at_connect()
        served = ServedConnection("")
        try:
            with contextlib.suppress(OSError, NoRequestError), self._tracked(connection):
                served.client = netloc(connection.getpeername())
                connection.settimeout(_IDLE_SECONDS)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._handle_requests(connection, pending, served)
        finally:
            if pending is not None:
                pending.done.set()
            if self._front:
                self._front.report(served)
            self._free.release()

    @contextlib.contextmanager
    def _tracked(self, connection: socket.socket) -> Iterator[None]:
        """Let `close` end the connection while the block runs; closes it afterwards."""
        with self._lock:
            self._open.add(connection)
        try:
            with connection:
                yield
        finally:
            with self._lock:
                self._open.discard(connection)

    def _handle_requests(
        self, connection: socket.socket, pending: PendingRequest | None, served: ServedConnection
    ) -> None:
        """Raises ssl.SSLError if the client rejects the certificate."""
        fault = pending.fault.kind if pending and pending.fault else None
        if fault in IN_HANDSHAKE:
            served.events.append(str(fault))
        if self._tls_context_for is not None:
            if fault is FaultKind.TLS_BROKEN_OFF:
                connection.recv(65536)  # the first message of the handshake
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
                return
            context = self._tls_context_for(fault if fault in IN_HANDSHAKE else None)
            connection = context.wrap_socket(connection, server_side=True)
        with self._tracked(connection):
            stays_open = True
            while stays_open:
                request = read_request(connection)
                if not self._front:
                    pending, self._pending = self._pending, None
                try:
                    stays_open = self._serve(ClientConnection(connection, served), request, pending)
                finally:
                    if pending is not None:
                        pending.done.set()
                pending = None


def family_of(host: str) -> socket.AddressFamily:
    """The address family of an IP address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def netloc(address: Any) -> str:
    """Host and port of a socket's address, as URLs have them.

    >>> netloc(("::1", 8022, 0, 0))
    '[::1]:8022'
    """
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
