"""The way from the hostile network on to the real server."""

import http.client
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from lab.fault_proxy.http1 import Headers, Reply, Request

_SECONDS: Final = 20.0
"""How long the server may take; a phone has long given up then."""

_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "content-length", "transfer-encoding", "host"})
"""What holds for one connection alone (RFC 9110 section 7.6.1), and what is written anew."""


class UnreachableError(Exception):
    """The server does not answer."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """The server at `origin`, such as `http://127.0.0.1:8080`. Raises ValueError for what is no origin."""

    origin: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.origin)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(f"not an origin: {self.origin!r}; write it as https://host or http://host:port")

    def ask(self, request: Request) -> Reply:
        """What the server answers. Raises UnreachableError."""
        connection = self._connection()
        try:
            connection.request(
                request.method, request.path, request.body or None, dict(_end_to_end(request.headers))
            )
            answer = connection.getresponse()
            return Reply(answer.status, _end_to_end(tuple(answer.getheaders())), answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:  # a header that may not be sent on
            raise UnreachableError(type(error).__name__) from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.origin)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname or "", parts.port, timeout=_SECONDS)


def _end_to_end(headers: Headers) -> Headers:
    return tuple((name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP)
