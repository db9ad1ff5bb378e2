"""The faults, by name, and by where on the way of a request they happen."""

from enum import StrEnum
from typing import Final

from wire import media


class FaultKind(StrEnum):
    """What is done to a request or to its answer."""

    NO_ROUTE = "no-route"
    """The network has no route to the server's address."""
    PARTITION = "partition"
    """No route, for a time: a fault that is to have an end."""
    REFUSED = "refused"
    """Nothing listens on the server's port."""
    DNS_FAILURE = "dns-failure"
    """The server's name does not resolve."""
    CONNECT_TIMEOUT = "connect-timeout"
    """The server's host takes no new connection and says nothing."""
    TLS_SELF_SIGNED = "tls-self-signed"
    """The certificate has the right name and is signed by itself."""
    TLS_EXPIRED = "tls-expired"
    """The certificate is by the right authority and past its time."""
    TLS_WRONG_NAME = "tls-wrong-name"
    """The certificate is by the right authority and for another name."""
    TLS_BROKEN_OFF = "tls-broken-off"
    """The connection ends after the first message of the handshake."""
    HEADER_TIMEOUT = "header-timeout"
    """The request is taken, the server does not get it, and nothing comes back."""
    RESET = "reset"
    """The connection is reset once the request has been read; the server does not get it."""
    NOT_HTTP = "not-http"
    """Random octets come in place of HTTP; the server does not get the request."""
    REDIRECT = "redirect"
    """A redirect to somebody else; the server does not get the request."""
    CAPTIVE_PORTAL = "captive-portal"
    """Somebody else's page, HTML with status 200; the server does not get the request."""
    TOO_MANY_REQUESTS = "too-many-requests"
    """Status 429; the server does not get the request."""
    UNAVAILABLE = "unavailable"
    """Status 503; the server does not get the request."""
    SERVER_ERROR = "server-error"
    """Status 500, without a problem document; the server does not get the request."""
    LOST_ANSWER = "lost-answer"
    """The server does its work, and nothing comes back."""
    BODY_TIMEOUT = "body-timeout"
    """Half of the body comes, and nothing after it."""
    RESET_MIDWAY = "reset-midway"
    """Half of the body comes, and then a reset."""
    TRUNCATED = "truncated"
    """Half of the body comes, and the connection ends in good order."""
    OVERSTATED_LENGTH = "overstated-length"
    """The whole body comes; its length header says more."""
    UNDERSTATED_LENGTH = "understated-length"
    """The whole body comes; its length header says less."""
    SLOW_DRIP = "slow-drip"
    """The answer comes octet by octet."""
    OVERSIZED = "oversized"
    """A body without end, up to 64 MiB."""
    GZIP_BOMB = "gzip-bomb"
    """Compression that nobody asked for: 10 KiB that unpack to 10 MiB."""
    GARBAGE = "garbage"
    """Random octets in place of the body, under its media type."""
    WRONG_MEDIA_TYPE = "wrong-media-type"
    """The right body under another media type."""
    TAMPERED = "tampered"
    """One octet of the body is another."""
    DUPLICATED_REQUEST = "duplicated-request"
    """The request reaches the server twice; the phone gets the second answer."""
    DUPLICATED_ANSWER = "duplicated-answer"
    """The answer comes twice on one connection, which stays open."""
    REORDERED = "reordered"
    """The server does its work; the phone gets the answer to its request before this one, on the same path."""
    REPLAYED = "replayed"
    """The server does its work; the phone gets the first answer that it ever got on this path."""
    CLOCK_SKEW = "clock-skew"
    """The server's clock is off by some seconds while it works on the request."""


class Route(StrEnum):
    """Which requests: what a phone asks for."""

    ALL = "all"
    CHALLENGES = "challenges"
    VERDICTS = "verdicts"
    KEYS = "keys"

    def holds(self, path: str) -> bool:
        """Whether a request for `path` is meant.

        >>> Route.KEYS.holds("/tuf/metadata/timestamp.json")
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
"""No connection comes to be: only who decides where a name leads to can do that."""

IN_HANDSHAKE: Final = frozenset(
    {FaultKind.TLS_SELF_SIGNED, FaultKind.TLS_EXPIRED, FaultKind.TLS_WRONG_NAME, FaultKind.TLS_BROKEN_OFF}
)
"""The connection comes to be and TLS does not."""

WAITS: Final = frozenset(
    {
        FaultKind.CONNECT_TIMEOUT,
        FaultKind.HEADER_TIMEOUT,
        FaultKind.LOST_ANSWER,
        FaultKind.BODY_TIMEOUT,
        FaultKind.SLOW_DRIP,
    }
)
"""The phone gives up by its own time-outs, which are real seconds."""

FROM_MEMORY: Final = frozenset({FaultKind.REPLAYED, FaultKind.REORDERED})
"""These need an answer from before, and wait until there is one."""

BUSY: Final = {FaultKind.TOO_MANY_REQUESTS: 429, FaultKind.UNAVAILABLE: 503}
"""The statuses that may carry `Retry-After`."""
