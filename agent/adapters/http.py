"""HTTP to one origin, with limits on time and size; without redirects, compression, cookies and proxy settings."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Final
from urllib.parse import urlsplit

import requests
import urllib3

from agent.adapters.deadline import DeadlineAdapter, RequestDeadline
from agent.ports import Answer, TransportError, TransportFault
from wire import limits

CHUNK = 4096

USER_AGENT = "activation-agent"
"""The only information about the client outside the messages."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two reads, and for the whole request."""

    connect: float = 5.0
    read: float = 10.0
    total: float = 30.0


class RequestsTransport:
    """Implements the ports `Transport` and `Downloads` for one origin, for example `https://verdict.example`.

    Proxy settings and passwords of the environment are ignored. `authorities` is a PEM file of certificate authorities,
    for an origin without a public certificate.
    """

    def __init__(self, origin: str, timeouts: Timeouts | None = None, authorities: str | None = None) -> None:
        self._origin = _checked_origin(origin)
        self._timeouts = timeouts or Timeouts()
        self._deadline = RequestDeadline()
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, DeadlineAdapter(self._deadline))
        self._session.trust_env = False
        self._session.headers.clear()
        self._session.headers["User-Agent"] = USER_AGENT
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        if authorities is not None:
            self._session.verify = authorities

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Send `body` and return the response of any status. Raises TransportError."""
        return self._exchange("POST", path, {"Content-Type": content_type, "Accept": accept}, body)

    def get(self, path: str, *, accept: str) -> Answer:
        """Fetch `path` and return the response of any status. Raises TransportError."""
        return self._exchange("GET", path, {"Accept": accept})

    def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
        headers = {**headers, "Accept-Encoding": "identity"}
        with (
            self._within_deadline(),
            _transport_errors(),
            self._send(method, path, headers, body) as response,
        ):
            if 300 <= response.status_code < 400:
                raise TransportError(TransportFault.REDIRECTED, f"status {response.status_code}")
            media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            retry_after = _retry_after(response)
            return Answer(response.status_code, media_type, _bounded_body(response), retry_after)

    @contextmanager
    def _within_deadline(self) -> Iterator[None]:
        try:
            with self._deadline.limited(self._timeouts.total):
                yield
        except TransportError as error:
            self._deadline.close_all()  # so that the server stops sending
            if not self._deadline.expired:
                raise
            raise TransportError(TransportFault.TIMED_OUT, "the response was too slow") from error
        if self._deadline.expired:  # a truncated response can look complete
            raise TransportError(TransportFault.TIMED_OUT, "the response was too slow")

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> requests.Response:
        return self._session.request(
            method,
            self._origin + path,
            data=body,
            headers=headers,
            timeout=(self._timeouts.connect, self._timeouts.read),
            allow_redirects=False,
            stream=True,
        )


_NO_ORIGIN: Final = "not an origin: {!r}; write it as https://host or http://host:port"


def _checked_origin(origin: str) -> str:
    """The origin without a trailing slash. Raises ValueError unless it is scheme, host and port."""
    try:
        parts = urlsplit(origin.rstrip("/"))
        port = parts.port
    except ValueError:  # a port above 65535, an incomplete IPv6 address
        raise ValueError(_NO_ORIGIN.format(origin)) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(_NO_ORIGIN.format(origin))
    if parts.path or parts.query or parts.fragment or parts.username:
        raise ValueError(f"an origin cannot have a path, query or user: {origin!r}")
    return origin.rstrip("/")


def _bounded_body(response: requests.Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise TransportError(
            TransportFault.BROKEN_ANSWER, "the response has an encoding that was not requested"
        )
    body = bytearray()
    while chunk := response.raw.read1(CHUNK, decode_content=False):
        body += chunk
        if len(body) > limits.BODY_MAX:
            raise TransportError(TransportFault.TOO_LARGE, f"more than {limits.BODY_MAX} bytes")
    return bytes(body)


def _retry_after(response: requests.Response) -> int | None:
    """`Retry-After` (RFC 9110 section 10.2.3) in seconds. A date is relative to the `Date` of the response."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        seconds = value.lstrip("0")[:9] or "0"
        return min(int(seconds), limits.RETRY_AFTER_MAX)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(response.headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0, int(wait.total_seconds())), limits.RETRY_AFTER_MAX)


@contextmanager
def _transport_errors() -> Iterator[None]:
    """Translate the exceptions of requests and urllib3 into TransportError."""
    try:
        yield
    except (requests.exceptions.SSLError, urllib3.exceptions.SSLError) as error:
        fault = TransportFault.UNREACHABLE if _was_cut_off(error) else TransportFault.TLS_FAILED
        raise TransportError(fault, type(error).__name__) from error
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise TransportError(TransportFault.TIMED_OUT, type(error).__name__) from error
    except requests.exceptions.ConnectionError as error:
        raise TransportError(TransportFault.UNREACHABLE, type(error).__name__) from error
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise TransportError(TransportFault.BROKEN_ANSWER, type(error).__name__) from error


def _was_cut_off(error: BaseException | None) -> bool:
    """Whether the connection ended during the handshake: a fault of the line, and no refused certificate."""
    while error is not None and not isinstance(error, ssl.SSLEOFError):
        error = error.__cause__ or error.__context__
    return error is not None
