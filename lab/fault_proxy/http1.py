"""As much of HTTP/1.1 (RFC 9112) as the proxy needs: to read a request, and to write any response, also a wrong one."""

import http.client
import socket
from dataclasses import dataclass
from typing import Final

import h11

Headers = tuple[tuple[str, str], ...]

_HEAD_MAX: Final = 64 * 1024
_BODY_MAX: Final = 1024 * 1024


class NoRequestError(Exception):
    """The client sent something that is not a complete request."""


@dataclass(frozen=True, slots=True)
class ProxyRequest:
    """A request as the client sent it."""

    method: str
    path: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class ProxyResponse:
    """A response before it is encoded. `headers` have no length and nothing about the connection."""

    status: int
    headers: Headers
    body: bytes

    @classmethod
    def of(cls, status: int, media_type: str, body: bytes, *headers: tuple[str, str]) -> "ProxyResponse":
        """A response of this media type.

        >>> ProxyResponse.of(200, "text/plain", b"hi").encoded()
        b'HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nhi'
        """
        return cls(status, (("Content-Type", media_type), *headers), body)

    def head(self, length: int | None, connection: str = "close") -> bytes:
        """Status line and headers. Without a length the body ends with the connection."""
        framing: Headers = () if length is None else (("Content-Length", str(length)),)
        headers = (*self.headers, *framing, ("Connection", connection))
        lines = [f"{name}: {value}\r\n" for name, value in headers]
        status = f"HTTP/1.1 {self.status} {http.client.responses.get(self.status, '')}\r\n"
        return "".join([status, *lines, "\r\n"]).encode("latin-1")

    def encoded(self, connection: str = "close") -> bytes:
        """The whole response, correctly encoded."""
        return self.head(len(self.body), connection) + self.body


def read_request(connection: socket.socket) -> ProxyRequest:
    """The next request of a client. Raises NoRequestError, and OSError if the connection fails."""
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_MAX)
    head: h11.Request | None = None
    body = b""
    while True:
        try:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                parser.receive_data(connection.recv(65536))
        except h11.RemoteProtocolError as error:
            raise NoRequestError from error
        if isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
            return ProxyRequest(head.method.decode(), head.target.decode(), headers, body)
        elif event is not h11.NEED_DATA or len(body) > _BODY_MAX:
            raise NoRequestError
