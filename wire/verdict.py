"""The verdict: claims of the compact JWS that the server returns for evidence.

The header is exactly `{"alg", "kid", "typ": "activation-verdict+jwt"}`.
"""

from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from wire import limits
from wire.codes import Decision, MessageKey, Reason, TrustTier
from wire.model import Code, Integer, Message, Nonce, Seconds, Territory, Text, Thumbprint, Timestamp, Word


class Confirmation(Message):
    """`cnf` (RFC 7800) with the RFC 7638 thumbprint of the key that signed the evidence."""

    jkt: Thumbprint


class PolicyReference(Message):
    """The policy and the rule that decided. `version` never decreases for a device."""

    id: Code
    version: Integer
    rule: Code


class CatalogueMessage(Message):
    """A sentence by its catalogue key, with arguments; the device shows it in the language of its user."""

    key: Word[MessageKey]
    args: dict[Code, Text] = Field(default_factory=dict, max_length=limits.ARGUMENTS_MAX)


class UncheckedVerdict(Message):
    """All claims of a verdict, well-formed but not yet checked: `decision` can still be an unknown word.

    Times are seconds since the epoch. Durations are seconds from `iat`, so they do not depend on the device's clock.
    """

    iss: Annotated[str, StringConstraints(min_length=1, max_length=limits.PARTY_MAX)]
    aud: Annotated[str, StringConstraints(min_length=1, max_length=limits.PARTY_MAX)]
    sub: Code
    cnf: Confirmation
    eat_nonce: Nonce
    iat: Timestamp
    nbf: Timestamp
    exp: Timestamp
    jti: Code
    serial: Annotated[Integer, Field(ge=1)]
    decision: str
    reason: str
    policy: PolicyReference
    trust: Word[TrustTier]
    territory: Territory | None = None
    message: CatalogueMessage | None = None
    case: Code | None = None
    check_in: Seconds | None = None
    offline_limit: Seconds | None = None
    not_before_lock: Timestamp | None = None
    retry_after: Seconds | None = None

    def optional_claims(self) -> set[str]:
        """Names of the optional claims in this verdict."""
        claims = self.__dict__
        return {name for name in self.__pydantic_fields_set__ & OPTIONAL_CLAIMS if claims[name] is not None}


OPTIONAL_CLAIMS: Final = frozenset(
    {"territory", "message", "case", "check_in", "offline_limit", "not_before_lock", "retry_after"}
)
"""Claims that are absent (never `null`) if they do not apply."""

REQUIRED: Final[dict[Decision, frozenset[str]]] = {
    Decision.ALLOW: frozenset({"check_in", "offline_limit"}),
    Decision.NOTICE: frozenset({"message", "case", "check_in", "offline_limit", "not_before_lock"}),
    Decision.DENY: frozenset({"message", "case", "check_in"}),
    Decision.DEFER: frozenset({"retry_after"}),
    Decision.RELEASE: frozenset(),
}
"""The optional claims that a verdict must contain, by its decision."""

ALLOWED: Final[dict[Decision, frozenset[str]]] = {
    Decision.ALLOW: frozenset({"territory", "message", "case", "check_in", "offline_limit"}),
    Decision.NOTICE: frozenset(
        {"territory", "message", "case", "check_in", "offline_limit", "not_before_lock"}
    ),
    Decision.DENY: frozenset({"territory", "message", "case", "check_in"}),
    Decision.DEFER: frozenset({"territory", "message", "case", "retry_after"}),
    Decision.RELEASE: frozenset({"territory", "message", "case"}),
}
"""The optional claims that a verdict can contain, by its decision."""


class Verdict(UncheckedVerdict):
    """A verdict whose decision and reason are known and whose claims are complete for the decision."""

    decision: Word[Decision]
    reason: Word[Reason]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        present = self.optional_claims()
        if missing := REQUIRED[self.decision] - present:
            raise ValueError(f"{self.decision} lacks {', '.join(sorted(missing))}")
        if excess := present - ALLOWED[self.decision]:
            raise ValueError(f"{self.decision} cannot have {', '.join(sorted(excess))}")
        return self
