"""As much of HTTP/1.1 (RFC 9112) as a hostile intermediary needs: to read a request, and to write any answer."""

import http.client
import re
from dataclasses import dataclass
from typing import BinaryIO, Final

Headers = tuple[tuple[str, str], ...]

_REQUEST_LINE: Final = re.compile(rb"([A-Z]+) (/[!-~]*) HTTP/1\.[01]\r\n")
_LINE_MAX: Final = 8192
_BODY_MAX: Final = 1024 * 1024


class NoRequestError(Exception):
    """What came is no request, or it broke off."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came."""

    method: str
    path: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is put on the wire. `headers` say nothing of its length or of the connection."""

    status: int
    headers: Headers
    body: bytes

    @classmethod
    def of(cls, status: int, media_type: str, body: bytes, *headers: tuple[str, str]) -> "Reply":
        """An answer of this media type.

        >>> Reply.of(200, "text/plain", b"hi").encoded()
        b'HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nhi'
        """
        return cls(status, (("Content-Type", media_type), *headers), body)

    @property
    def media_type(self) -> str:
        """The value of `Content-Type`, empty where there is none."""
        return next((value for name, value in self.headers if name.lower() == "content-type"), "")

    def head(self, length: int | None, connection: str = "close") -> bytes:
        """Status line and headers; without a length the body goes on until the connection ends."""
        framing: Headers = () if length is None else (("Content-Length", str(length)),)
        said = (*self.headers, *framing, ("Connection", connection))
        lines = [f"{name}: {value}\r\n" for name, value in said]
        status = f"HTTP/1.1 {self.status} {http.client.responses.get(self.status, '')}\r\n"
        return "".join([status, *lines, "\r\n"]).encode("latin-1")

    def encoded(self, connection: str = "close") -> bytes:
        """The whole answer as an honest server writes it."""
        return self.head(len(self.body), connection) + self.body


def read_request(stream: BinaryIO) -> Request:
    """The next request, whose body has a length. Raises NoRequestError, and OSError where the connection fails."""
    line = _REQUEST_LINE.fullmatch(stream.readline(_LINE_MAX))
    if line is None:
        raise NoRequestError
    try:
        headers = http.client.parse_headers(stream)
        length = int(headers.get("Content-Length", "0"))
    except (http.client.HTTPException, ValueError) as error:
        raise NoRequestError from error
    if not 0 <= length <= _BODY_MAX:
        raise NoRequestError
    body = stream.read(length)
    if len(body) < length:
        raise NoRequestError
    return Request(line[1].decode(), line[2].decode(), tuple(headers.items()), body)
