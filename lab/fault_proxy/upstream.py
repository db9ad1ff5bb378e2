"""The connection from the proxy to the real server."""

import http.client
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from lab.fault_proxy.http1 import Headers, ProxyRequest, ProxyResponse

_SECONDS: Final = 60.0
"""Time-out of the server; a device has given up before."""

_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "content-length", "transfer-encoding", "host"})
"""Headers of one connection (RFC 9110 section 7.6.1), and those that the client library writes itself."""


class UnreachableError(Exception):
    """The server does not answer."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """The server at `origin`, such as `http://127.0.0.1:8080`. Raises ValueError for anything else than an origin."""

    origin: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.origin)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(f"not an origin: {self.origin!r}; write it as https://host or http://host:port")

    def ask(self, request: ProxyRequest) -> ProxyResponse:
        """The server's response. Raises UnreachableError."""
        parts = urlsplit(self.origin)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
        try:
            connection.request(
                request.method, request.path, request.body or None, dict(_end_to_end(request.headers))
            )
            response = connection.getresponse()
            return ProxyResponse(response.status, _end_to_end(tuple(response.getheaders())), response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a forbidden header
            raise UnreachableError(type(error).__name__) from error
        finally:
            connection.close()


def _end_to_end(headers: Headers) -> Headers:
    return tuple((name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP)
