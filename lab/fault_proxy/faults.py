"""The kinds of network faults, the routes of requests, and the kinds by where they take effect."""

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
    TOO_MANY_REQUESTS = "too-many-requests"
    """Status 429, with `Retry-After` if `retry-after` is given."""
    UNAVAILABLE = "unavailable"
    """Status 503, with `Retry-After` if `retry-after` is given."""
    SERVER_ERROR = "server-error"
    """Status 500 without a problem document."""
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

PROCESSED: Final = frozenset(list(FaultKind)[list(FaultKind).index(FaultKind.LOST_ANSWER) :])
"""The server processes the request. It never receives a request with one of the other kinds."""

NEEDS_EARLIER: Final = frozenset({FaultKind.REPLAYED, FaultKind.REORDERED})
"""These send an earlier response."""

BUSY: Final = {FaultKind.TOO_MANY_REQUESTS: 429, FaultKind.UNAVAILABLE: 503}
"""The statuses that may carry `Retry-After`."""
