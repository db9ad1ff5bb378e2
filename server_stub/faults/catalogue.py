"""The kinds of faults, the routes of requests, and the kinds by where they can be injected and take effect.

A scenario and the proxy (`lab.fault_proxy`) inject what a network can do, a server (`SERVER_ROUTES`) what a server can.
"""

from enum import StrEnum
from typing import Final

from wire import media


class FaultKind(StrEnum):
    """How a request or its response is disturbed on its way."""

    NO_ROUTE = "no-route"
    """There is no route to the server's address."""
    PARTITION = "partition"
    """No route until the fault ends: give it `until` or `for`, or clear it."""
    REFUSED = "refused"
    """Nothing listens on the server's port."""
    DNS_FAILURE = "dns-failure"
    """The server's name does not resolve."""
    CONNECT_TIMEOUT = "connect-timeout"
    """The server's host does not answer the connection request."""
    TLS_FAILURE = "tls-failure"
    """The server's certificate has the right name and is self-signed."""
    TLS_EXPIRED = "tls-expired"
    """The certificate is signed by the right authority and has expired."""
    TLS_WRONG_NAME = "tls-wrong-name"
    """The certificate is signed by the right authority for another name."""
    TLS_BROKEN_OFF = "tls-broken-off"
    """The connection ends after the first message of the handshake."""
    HEADER_TIMEOUT = "header-timeout"
    """The request is read and no response is sent."""
    RESET = "reset"
    """The connection is reset before the response."""
    NOT_HTTP = "not-http"
    """Random bytes are sent instead of HTTP."""
    REDIRECT = "redirect"
    """The response redirects to another place."""
    CAPTIVE_PORTAL = "captive-portal"
    """An HTML page of another party, with status 200."""
    UNAUTHORIZED = "unauthorized"
    """Status 401; a server names the code `challenge-invalid`."""
    CONFLICT = "conflict"
    """Status 409; a server names the code `challenge-expired`."""
    TOO_MANY_REQUESTS = "too-many-requests"
    """Status 429, with `Retry-After` if `retry-after` is given."""
    UNAVAILABLE = "unavailable"
    """Status 503, with `Retry-After` if `retry-after` is given."""
    SERVER_ERROR = "server-error"
    """Status 500 without a problem document."""
    ERROR = "error"
    """Status `status`, 500 to 599, with a problem document."""
    LOST_ANSWER = "lost-answer"
    """The server processes the request and the response is lost."""
    BODY_TIMEOUT = "body-timeout"
    """Half of the body is sent, and then nothing."""
    RESET_MIDWAY = "reset-midway"
    """Half of the body is sent, and then the connection is reset."""
    TRUNCATED = "truncated"
    """The connection ends in the middle of the body."""
    WRONG_LENGTH = "wrong-length"
    """`Content-Length` is more than the length of the body."""
    UNDERSTATED_LENGTH = "understated-length"
    """`Content-Length` is less than the length of the body."""
    SLOW_DRIP = "slow-drip"
    """The response is sent one byte at a time, too slowly."""
    OVERSIZED = "oversized"
    """The body is longer than any that a device reads."""
    GZIP_BOMB = "gzip-bomb"
    """A compressed body that was not requested, of 10 KiB that unpack to 10 MiB."""
    GARBAGE = "garbage"
    """Random bytes instead of the body, with its media type."""
    WRONG_MEDIA_TYPE = "wrong-media-type"
    """The right body with another media type."""
    TAMPERED = "tampered"
    """One byte of the body is changed."""
    DUPLICATED = "duplicated"
    """The server receives the request twice; the device gets the second response."""
    DUPLICATED_ANSWER = "duplicated-answer"
    """The response is sent twice on one connection, which stays open."""
    REORDERED = "reordered"
    """The device gets the response to its previous request for the same path."""
    REPLAYED = "replayed"
    """The device gets the first response that it ever got for this path."""
    CLOCK_SKEW = "clock-skew"
    """The server's clock is off by `seconds` while it processes the request."""
    SLOW = "slow"
    """The response is sent after `delay` seconds."""
    SLOW_HEADERS = "slow-headers"
    """The headers are sent in small pieces over `delay` seconds, then the body."""
    WRONG_KEY = "wrong-key"
    """A verdict, a timestamp or a nonce under a key that is not the server's."""
    EXPIRED = "expired"
    """A correctly signed verdict or timestamp, or a nonce, that has expired long ago."""
    OLD_SERIAL = "old-serial"
    """A verdict with the serial that the device has, or a timestamp with an earlier version; correctly signed."""


class Route(StrEnum):
    """The requests that a fault affects, by what the device requests."""

    ALL = "all"
    CHALLENGES = "challenges"
    VERDICTS = "verdicts"
    KEYS = "keys"

    def matches(self, path: str) -> bool:
        """Whether `path` is on this route.

        >>> Route.KEYS.matches("/tuf/metadata/timestamp.json")
        True
        """
        return path.startswith(_PREFIX[self])


_PREFIX: Final = {
    Route.ALL: "/",
    Route.CHALLENGES: media.CHALLENGES_PATH,
    Route.VERDICTS: media.VERDICTS_PATH,
    Route.KEYS: "/tuf/",
}

NO_CONNECTION: Final = frozenset(
    {
        FaultKind.NO_ROUTE,
        FaultKind.PARTITION,
        FaultKind.REFUSED,
        FaultKind.DNS_FAILURE,
        FaultKind.CONNECT_TIMEOUT,
    }
)
"""No connection is made. Only a transport that chooses the address of the request can inject these."""

IN_HANDSHAKE: Final = frozenset(
    {FaultKind.TLS_FAILURE, FaultKind.TLS_EXPIRED, FaultKind.TLS_WRONG_NAME, FaultKind.TLS_BROKEN_OFF}
)
"""The connection is made and the TLS handshake fails."""

CAUSES_TIMEOUT: Final = frozenset(
    {
        FaultKind.CONNECT_TIMEOUT,
        FaultKind.HEADER_TIMEOUT,
        FaultKind.LOST_ANSWER,
        FaultKind.BODY_TIMEOUT,
        FaultKind.SLOW_DRIP,
    }
)
"""The device gives up by its own time-outs, which are in real seconds."""

SERVER_ONLY: Final = frozenset(
    {
        FaultKind.UNAUTHORIZED,
        FaultKind.CONFLICT,
        FaultKind.ERROR,
        FaultKind.SLOW,
        FaultKind.SLOW_HEADERS,
        FaultKind.WRONG_KEY,
        FaultKind.EXPIRED,
        FaultKind.OLD_SERIAL,
    }
)
"""Only a server can inject these: they need its keys or its own problem documents."""

PROXY_KINDS: Final = tuple(kind for kind in FaultKind if kind not in SERVER_ONLY)
"""What a network can do, in the order of the catalogue."""

PROCESSED: Final = frozenset(PROXY_KINDS[PROXY_KINDS.index(FaultKind.LOST_ANSWER) :])
"""The server processes the request. With the other kinds of the proxy it never receives the request."""

NEEDS_EARLIER: Final = frozenset({FaultKind.REPLAYED, FaultKind.REORDERED})
"""These send an earlier response."""

BUSY: Final = {FaultKind.TOO_MANY_REQUESTS: 429, FaultKind.UNAVAILABLE: 503}
"""The statuses that may carry `Retry-After`."""

STATUS: Final = {FaultKind.UNAUTHORIZED: 401, FaultKind.CONFLICT: 409, **BUSY, FaultKind.SERVER_ERROR: 500}
"""The status of each kind that has a fixed one."""

SLOW: Final = frozenset({FaultKind.SLOW, FaultKind.SLOW_HEADERS})
"""These need a delay."""

_REQUESTS: Final = (Route.CHALLENGES, Route.VERDICTS, Route.KEYS)

SERVER_ROUTES: Final[dict[FaultKind, tuple[Route, ...]]] = {
    **dict.fromkeys(
        (
            FaultKind.SLOW,
            FaultKind.SLOW_HEADERS,
            FaultKind.TRUNCATED,
            FaultKind.WRONG_LENGTH,
            FaultKind.UNDERSTATED_LENGTH,
            FaultKind.GARBAGE,
            FaultKind.WRONG_MEDIA_TYPE,
            FaultKind.TAMPERED,
            FaultKind.REDIRECT,
            FaultKind.CAPTIVE_PORTAL,
            FaultKind.UNAUTHORIZED,
            FaultKind.CONFLICT,
            FaultKind.TOO_MANY_REQUESTS,
            FaultKind.UNAVAILABLE,
            FaultKind.SERVER_ERROR,
            FaultKind.ERROR,
            FaultKind.REPLAYED,
            FaultKind.EXPIRED,
            FaultKind.WRONG_KEY,
        ),
        _REQUESTS,
    ),
    FaultKind.OLD_SERIAL: (Route.VERDICTS, Route.KEYS),
}
"""What a server can inject, and into the responses of which routes."""
