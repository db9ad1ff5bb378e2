"""HTTP/1.1 (RFC 9112) in the proxy: reads and forwards requests."""

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import h11

from lab.world.addresses import trusted_authorities
from server_stub.faults.responses import Headers, RawResponse

_HEAD_MAX: Final = 64 * 1024
_BODY_MAX: Final = 1024 * 1024

_SERVER_SECONDS: Final = 60.0
"""Time-out of the server; a device has given up before."""

_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "content-length", "transfer-encoding", "host"})
"""Headers of one connection (RFC 9110 section 7.6.1), and those that the client library writes itself."""


class NoRequestError(Exception):
    """The client sent something that is not a complete request."""


@dataclass(frozen=True, slots=True)
class ProxyRequest:
    """A request as the client sent it."""

    method: str
    path: str
    headers: Headers
    body: bytes


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


_RESPONSE_MAX: Final = 16 * 1024 * 1024


class UnreachableError(Exception):
    """The server does not answer, or with more than the proxy holds in memory."""


class ForeignTargetError(Exception):
    """A request for another server than the one behind the proxy. `args` has the method and the target."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """The server at `origin`, such as `http://127.0.0.1:8080`, which gets `headers` too.

    Raises ValueError for anything else than an origin.
    """

    origin: str
    headers: Callable[[], Mapping[str, str]] = dict

    def __post_init__(self) -> None:
        parts = urlsplit(self.origin)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(f"not an origin: {self.origin!r}; write it as https://host or http://host:port")

    def path_of(self, request: ProxyRequest) -> str:
        """The path of a request for this server (RFC 9112 section 3.2). Raises ForeignTargetError for any other."""
        target = request.path
        if target.startswith("/"):
            return target
        own = self.origin.rstrip("/").lower()
        if request.method == "CONNECT" or target[: len(own) + 1].lower() not in (own, f"{own}/"):
            raise ForeignTargetError(request.method, target)
        return target[len(own) :] or "/"

    def ask(self, request: ProxyRequest) -> RawResponse:
        """The server's response. Raises UnreachableError."""
        parts = urlsplit(self.origin)
        host = parts.hostname or ""
        connection = http.client.HTTPConnection(host, parts.port, timeout=_SERVER_SECONDS)
        try:
            if parts.scheme == "https":
                context = ssl.create_default_context(cafile=trusted_authorities())
                connection = http.client.HTTPSConnection(
                    host, parts.port, timeout=_SERVER_SECONDS, context=context
                )
            connection.request(
                request.method,
                request.path,
                request.body or None,
                {**dict(_end_to_end(request.headers)), **self.headers()},
            )
            response = connection.getresponse()
            body = response.read(_RESPONSE_MAX + 1)
            if len(body) > _RESPONSE_MAX:
                raise UnreachableError(f"more than {_RESPONSE_MAX} bytes")
            return RawResponse(response.status, _end_to_end(tuple(response.getheaders())), body)
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a forbidden header
            raise UnreachableError(type(error).__name__) from error
        finally:
            connection.close()


def _end_to_end(headers: Headers) -> Headers:
    return tuple((name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP)
