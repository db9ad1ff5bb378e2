"""One listening socket on loopback: where the requests of one phone, or of strangers, come in."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from lab.fault_proxy.client_connection import PATIENCE, ClientConnection, calling
from lab.fault_proxy.faults import IN_HANDSHAKE, FaultKind
from lab.fault_proxy.http1 import NoRequestError, Request, read_request
from lab.fault_proxy.schedule import Fault

_SETTLED_SECONDS: Final = PATIENCE + 10


@dataclass(slots=True)
class Expected:
    """A request that a phone is about to send, its number, and what is to befall it. `over`: it has been dealt with."""

    number: int
    phone: str
    fault: Fault | None
    over: threading.Event = field(default_factory=threading.Event)


Serve = Callable[[ClientConnection, Request, Expected | None], bool]
"""Deals with one request; True where the connection stays open for another."""

Dress = Callable[[FaultKind | None], ssl.SSLContext]
"""The certificate that is shown under a fault, or without one."""


class Listener:
    """Listens from the moment that it is made until `close`, under TLS if it is given certificates to show."""

    def __init__(self, serve: Serve, dress: Dress | None) -> None:
        self._serve = serve
        self._dress = dress
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._expected: Expected | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="hostile-line", daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def scheme(self) -> str:
        """`https` under TLS, else `http`."""
        return "https" if self._dress else "http"

    def close(self) -> None:
        """End every connection, and listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._thread.join(5)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def expect(self, expected: Expected) -> None:
        """The next request on this line is this one."""
        self._expected = expected

    def settle(self, expected: Expected) -> None:
        """Wait until the line has dealt with a request, so that what follows finds the server at rest."""
        expected.over.wait(_SETTLED_SECONDS)
        self._expected = None

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        """Everything on one connection. A request that was expected is over when this ends, however it does."""
        expected = self._expected
        try:
            with contextlib.suppress(OSError, NoRequestError), self._kept(connection):
                connection.settimeout(PATIENCE)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._talk(connection, expected)
        finally:
            if expected is not None:
                expected.over.set()

    @contextlib.contextmanager
    def _kept(self, connection: socket.socket) -> Iterator[None]:
        """Know of a connection while it is used, and close it then."""
        with self._lock:
            self._open.add(connection)
        try:
            with connection:
                yield
        finally:
            with self._lock:
                self._open.discard(connection)

    def _talk(self, connection: socket.socket, expected: Expected | None) -> None:
        fault = expected.fault.kind if expected and expected.fault else None
        if fault is FaultKind.TLS_BROKEN_OFF and self._dress:
            _break_off(connection)
            return
        dressed = self._wrap_tls(connection, fault)
        with self._kept(dressed), calling(dressed) as caller:
            staying = True
            while staying:
                request = read_request(caller.stream)
                expected, self._expected = self._expected, None
                try:
                    staying = self._serve(caller, request, expected)
                finally:
                    if expected is not None:
                        expected.over.set()

    def _wrap_tls(self, connection: socket.socket, fault: FaultKind | None) -> socket.socket:
        """The connection under TLS, if the line has it. Raises ssl.SSLError where the phone takes no such server."""
        if self._dress is None:
            return connection
        shown = fault if fault in IN_HANDSHAKE else None
        return self._dress(shown).wrap_socket(connection, server_side=True)


def _break_off(connection: socket.socket) -> None:
    """Take the first message of the handshake and end the connection in good order."""
    connection.recv(65536)
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass
