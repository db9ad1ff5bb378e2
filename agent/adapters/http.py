"""HTTP by requests, to one origin, within bounds: time, octets, no redirect, no compression, no ambient proxy."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Final
from urllib.parse import urlsplit

import requests
import urllib3

from agent.adapters.deadline import RequestDeadline, WatchedAdapter
from agent.ports import Answer, TransportError, TransportFault
from wire import limits

CHUNK = 4096

USER_AGENT = "activation-agent"
"""All that a server learns of the client that is not in the messages."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two reads, and for the whole request."""

    connect: float = 5.0
    read: float = 10.0
    total: float = 30.0


class RequestsTransport:
    """Implements the ports `Transport` and `Downloads` over one origin, such as `https://verdict.example`.

    What the environment says of proxies and passwords is not used. `authorities` is a file of certificate
    authorities in PEM, for an origin that is not known to the public ones.
    """

    def __init__(self, origin: str, timeouts: Timeouts | None = None, authorities: str | None = None) -> None:
        self._origin = _checked(origin)
        self._timeouts = timeouts or Timeouts()
        self._watchdog = RequestDeadline()
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, WatchedAdapter(self._watchdog))
        self._session.trust_env = False
        self._session.headers.clear()
        self._session.headers["User-Agent"] = USER_AGENT
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        if authorities is not None:
            self._session.verify = authorities

    def close(self) -> None:
        """Give back the connections."""
        self._session.close()

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Send `body` and return the answer, whatever its status. Raises TransportError."""
        return self._exchange("POST", path, {"Content-Type": content_type, "Accept": accept}, body)

    def get(self, path: str, *, accept: str) -> Answer:
        """Fetch `path` and return the answer, whatever its status. Raises TransportError."""
        return self._exchange("GET", path, {"Accept": accept})

    def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
        headers = {**headers, "Accept-Encoding": "identity"}
        with self._in_time(), _faults_named(), self._send(method, path, headers, body) as response:
            if 300 <= response.status_code < 400:
                raise TransportError(TransportFault.REDIRECTED, f"status {response.status_code}")
            media_type, retry_after = _media_type(response), _retry_after(response)
            return Answer(response.status_code, media_type, _bounded_body(response), retry_after)

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        try:
            with self._watchdog.limited(self._timeouts.total):
                yield
        except TransportError as error:
            self._watchdog.close_all()  # nobody goes on sending to a phone that has given up
            if not self._watchdog.expired:
                raise
            raise TransportError(TransportFault.TIMED_OUT, "the answer came too slowly") from error
        if self._watchdog.expired:  # a cut header section or body can look like a whole one
            raise TransportError(TransportFault.TIMED_OUT, "the answer came too slowly")

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


def _checked(origin: str) -> str:
    """The origin without a trailing slash. Raises ValueError for anything that is not scheme, host and port."""
    try:
        parts = urlsplit(origin.rstrip("/"))
        port = parts.port
    except ValueError:  # a port beyond 65535, half an IPv6 address
        raise ValueError(_NO_ORIGIN.format(origin)) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(_NO_ORIGIN.format(origin))
    if parts.path or parts.query or parts.fragment or parts.username:
        raise ValueError(f"an origin has no path, query or user: {origin!r}")
    return origin.rstrip("/")


def _media_type(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _bounded_body(response: requests.Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise TransportError(TransportFault.BROKEN_ANSWER, "an encoding came that was not asked for")
    body = bytearray()
    while chunk := response.raw.read1(CHUNK, decode_content=False):
        body += chunk
        if len(body) > limits.BODY_MAX:
            raise TransportError(TransportFault.TOO_LARGE, f"more than {limits.BODY_MAX} octets")
    return bytes(body)


def _retry_after(response: requests.Response) -> int | None:
    """`Retry-After` (RFC 9110 section 10.2.3) in seconds; a date counts from the answer's own `Date`."""
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
def _faults_named() -> Iterator[None]:
    """Every way in which requests and urllib3 can fail, as a fault of the port."""
    try:
        yield
    except (requests.exceptions.SSLError, urllib3.exceptions.SSLError) as error:
        raise TransportError(TransportFault.TLS_FAILED, type(error).__name__) from error
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise TransportError(TransportFault.TIMED_OUT, type(error).__name__) from error
    except requests.exceptions.ConnectionError as error:
        raise TransportError(TransportFault.UNREACHABLE, type(error).__name__) from error
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise TransportError(TransportFault.BROKEN_ANSWER, type(error).__name__) from error
