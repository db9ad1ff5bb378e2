"""What can go wrong between a phone and its server, and when."""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from lab.scenario.model.field_types import Duration, Moment, Subject, Table, Word


class FaultKind(StrEnum):
    """How a request or its answer is hurt on its way."""

    NO_ROUTE = "no-route"
    """Nothing leads to the server."""
    REFUSED = "refused"
    """Nothing listens on the server's port."""
    DNS_FAILURE = "dns-failure"
    """The server's name is not found."""
    CONNECT_TIMEOUT = "connect-timeout"
    """The connection is never made."""
    HEADER_TIMEOUT = "header-timeout"
    """The request is taken and nothing is answered."""
    BODY_TIMEOUT = "body-timeout"
    """The answer begins and does not go on."""
    RESET = "reset"
    """The connection is reset before the answer."""
    SLOW_DRIP = "slow-drip"
    """The answer comes octet by octet, too slowly."""
    TRUNCATED = "truncated"
    """The connection ends in the middle of the body."""
    WRONG_LENGTH = "wrong-length"
    """The length header promises more than comes."""
    OVERSIZED = "oversized"
    """The body is longer than any that a phone reads."""
    GZIP_BOMB = "gzip-bomb"
    """The body is compressed, without having been asked for, and would unpack without end."""
    GARBAGE = "garbage"
    """Random octets in place of the body."""
    WRONG_MEDIA_TYPE = "wrong-media-type"
    """The right body under another media type."""
    REDIRECT = "redirect"
    """The answer sends the phone elsewhere."""
    CAPTIVE_PORTAL = "captive-portal"
    """Somebody else's page, HTML with status 200."""
    TLS_FAILURE = "tls-failure"
    """The certificate is not the server's."""
    TOO_MANY_REQUESTS = "too-many-requests"
    """429, with `retry-after` if it is given."""
    UNAVAILABLE = "unavailable"
    """503, with `retry-after` if it is given."""
    SERVER_ERROR = "server-error"
    """500, without a problem document."""
    DUPLICATED = "duplicated"
    """The request arrives twice; the phone gets the second answer."""
    REORDERED = "reordered"
    """The phone gets the answer to its request before this one, to the same path."""
    REPLAYED = "replayed"
    """The phone gets the first answer that was ever given to this path."""
    TAMPERED = "tampered"
    """One octet of the body is another."""
    LOST_ANSWER = "lost-answer"
    """The server does its work and the answer is lost."""
    CLOCK_SKEW = "clock-skew"
    """The server's clock is off by `seconds`."""
    PARTITION = "partition"
    """No route until it heals: say `until`, `for` or heal it."""


ASKS_FOR_TIME: Final = (FaultKind.TOO_MANY_REQUESTS, FaultKind.UNAVAILABLE)
"""The faults that may say `Retry-After`."""

SKEW_MOST: Final = 3660 * 86_400
"""Seconds, ten years."""


class Target(StrEnum):
    """Which requests a fault hits."""

    ALL = "all"
    CHALLENGES = "challenges"
    VERDICTS = "verdicts"
    KEYS = "keys"


class Schedule(Table):
    """When a fault strikes. Every condition that is given must hold; without any, it strikes every time."""

    to: Word[Target] = Field(Target.ALL, description="Which requests it can hit.")
    on_request: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="The n-th request of a handset that it could hit, counted from its start, and no other.",
    )
    times: Annotated[int, Field(ge=1)] | None = Field(None, description="It strikes so often at most.")
    probability: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="It strikes with this probability, drawn under the seed."
    )
    from_: Moment | None = Field(None, description="It does not strike before.")
    until: Moment | None = Field(None, description="It is over from then on.")
    for_: Duration | None = Field(None, description="It is over so long after its start.")


class WireFault(Schedule):
    """A fault on the wire."""

    fault: Word[FaultKind] = Field(description="What happens.")
    of: Subject = Field(None, description="The handsets whose requests it hits; all by default.")
    retry_after: Duration | None = Field(None, description="What 429 and 503 say in `Retry-After`.")
    seconds: Annotated[int, Field(ge=-SKEW_MOST, le=SKEW_MOST)] | None = Field(
        None, description="How far the server's clock is ahead, negative for behind; `clock-skew` needs it."
    )

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if (self.fault is FaultKind.CLOCK_SKEW) != (self.seconds is not None):
            raise ValueError("`seconds` goes with `clock-skew`, and `clock-skew` with `seconds`")
        if self.retry_after is not None and self.fault not in ASKS_FOR_TIME:
            raise ValueError(f"`retry-after` goes with {' and '.join(ASKS_FOR_TIME)} alone")
        if self.from_ is not None and self.until is not None and self.until <= self.from_:
            raise ValueError("never strikes: `until` is not after `from`")
        return self
