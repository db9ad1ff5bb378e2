"""Responses as bytes, right and wrong ones: what each fault of the catalogue makes of a response. Pure."""

import http.client
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import Final

from server_stub.faults.catalogue import STATUS, FaultKind

Headers = tuple[tuple[str, str], ...]

PORTAL: Final = b"<!doctype html><title>Wi-Fi</title><p>Please sign in to use this network."

RAW_RESPONSE: Final = "activation.raw_response"
"""An extension of ASGI for tests of clients. `http.response.start` may have this member: a function from the headers to
what is written in place of a response, bytes after so many seconds each. The connection is closed after them."""

_UNPACKED_BLOCK: Final = bytes(1024 * 1024)
_UNPACKED_BLOCKS: Final = 10
_GZIP: Final = 16 + zlib.MAX_WBITS
GARBAGE_BYTES: Final = 700
_OVERSTATED_BYTES: Final = 64
_REPLACED: Final = frozenset({"content-type", "content-length", "connection"})


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A response before it is encoded. `headers` have no length and nothing about the connection."""

    status: int
    headers: Headers
    body: bytes

    @classmethod
    def of(cls, status: int, media_type: str, body: bytes, *headers: tuple[str, str]) -> "RawResponse":
        """A response of this media type.

        >>> RawResponse.of(200, "text/plain", b"hi").encoded()
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


def fixed(kind: FaultKind, retry_after: int | None = None) -> RawResponse:
    """The response of a redirect, a portal or a status: it contains nothing of the server's own."""
    if kind is FaultKind.REDIRECT:
        return RawResponse.of(302, "text/plain", b"", ("Location", "/somebody-else"))
    if kind is FaultKind.CAPTIVE_PORTAL:
        return RawResponse.of(200, "text/html", PORTAL)
    wait: Headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
    return RawResponse.of(STATUS[kind], "text/plain", b"", *wait)


def tampered(body: bytes, random: Random) -> bytes:
    """The body with one byte replaced by another letter, so that in a token only the signature is wrong."""
    if not body:
        return b"x"
    at = random.randrange(len(body))
    other = b"A" if body[at : at + 1] != b"A" else b"B"
    return body[:at] + other + body[at + 1 :]


def _wrong_media_type(response: RawResponse, _: Random) -> RawResponse:
    kept = tuple(each for each in response.headers if each[0].lower() not in _REPLACED)
    return replace(response, headers=(("Content-Type", "application/octet-stream"), *kept))


def _gzip_bomb(response: RawResponse, _: Random) -> RawResponse:
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    packed = [packer.compress(_UNPACKED_BLOCK) for _ in range(_UNPACKED_BLOCKS)]
    headers = (*response.headers, ("Content-Encoding", "gzip"))
    return RawResponse(response.status, headers, b"".join([*packed, packer.flush()]))


CHANGED: Final[dict[FaultKind, Callable[[RawResponse, Random], RawResponse]]] = {
    FaultKind.GARBAGE: lambda response, random: replace(response, body=random.randbytes(GARBAGE_BYTES)),
    FaultKind.WRONG_MEDIA_TYPE: _wrong_media_type,
    FaultKind.TAMPERED: lambda response, random: replace(response, body=tampered(response.body, random)),
    FaultKind.GZIP_BOMB: _gzip_bomb,
}
"""Kinds that leave the encoding of the response correct."""


def in_pieces(response: RawResponse, seconds: float, pause: float) -> list[tuple[float, bytes]]:
    """Status line and headers in pieces about `pause` seconds apart, over `seconds`; then the body.

    >>> parts = in_pieces(RawResponse(200, (), b"body"), seconds=10, pause=0.25)
    >>> round(sum(wait for wait, _ in parts)), parts[-1]
    (10, (0, b'body'))
    """
    head = response.head(len(response.body))
    count = max(1, min(len(head), round(seconds / pause)))
    cuts = [len(head) * number // count for number in range(count + 1)]
    pieces = [head[begin:end] for begin, end in pairwise(cuts)]
    return [*((seconds / count, piece) for piece in pieces), (0, response.body)]


BROKEN: Final[dict[FaultKind, Callable[[RawResponse], bytes]]] = {
    FaultKind.TRUNCATED: lambda response: (
        response.head(len(response.body)) + response.body[: len(response.body) // 2]
    ),
    FaultKind.WRONG_LENGTH: lambda response: (
        response.head(len(response.body) + _OVERSTATED_BYTES) + response.body
    ),
    FaultKind.UNDERSTATED_LENGTH: lambda response: response.head(len(response.body) // 2) + response.body,
}
"""Kinds whose bytes are no correct response. The connection is closed after them."""
