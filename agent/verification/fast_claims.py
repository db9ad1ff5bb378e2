"""The claims of a verdict in the form in which the lock machine reads them: quick to read and immutable.

`wire.verdict.Verdict` is the contract. These types repeat it member by member for a reader of JSON that is an order of
magnitude quicker, and `tests/unit/agent/verification/test_fast_claims.py` holds the two to the same names, order,
bounds and
characters. What the types themselves do not say, `is_complete` checks: the characters of identifiers, and that
the claims are complete for their decision.
"""

import itertools
import re
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from wire import limits
from wire.codes import Decision, MessageKey, Reason, TrustTier
from wire.model import BASE64URL, CODE, TERRITORY
from wire.verdict import ALLOWED, OPTIONAL_CLAIMS, REQUIRED

_Party = Annotated[str, Meta(min_length=1, max_length=limits.PARTY_MAX)]
_Code = Annotated[str, Meta(min_length=1, max_length=limits.CODE_MAX)]
# Arguments are few, so their names have an expression of their own. `$` would let a line feed follow.
_Name = Annotated[str, Meta(pattern=rf"^{CODE}\Z", max_length=limits.CODE_MAX)]
_Text = Annotated[str, Meta(min_length=1, max_length=limits.TEXT_MAX)]
_Thumbprint = Annotated[str, Meta(min_length=limits.THUMBPRINT_LENGTH, max_length=limits.THUMBPRINT_LENGTH)]
_Nonce = Annotated[str, Meta(min_length=limits.NONCE_MIN, max_length=limits.NONCE_MAX)]
_Territory = Annotated[str, Meta(min_length=2)]
_Integer = Annotated[int, Meta(ge=0, le=limits.INTEGER_MAX)]
_Serial = Annotated[int, Meta(ge=1, le=limits.INTEGER_MAX)]
_Seconds = Annotated[int, Meta(ge=0, le=limits.DURATION_MAX)]


class FastConfirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """`cnf` (RFC 7800)."""

    jkt: _Thumbprint


class FastPolicyReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which policy decided, and which of its rules."""

    id: _Code
    version: _Integer
    rule: _Code


class FastMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A sentence by its catalogue key. `args` is written also where it is empty, as the contract's model does."""

    key: MessageKey
    args: Annotated[dict[_Name, _Text], Meta(max_length=limits.ARGUMENTS_MAX)]


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """All claims of a verdict, as `wire.verdict.Verdict` has them. None stands for a claim that is absent."""

    iss: _Party
    aud: _Party
    sub: _Code
    cnf: FastConfirmation
    eat_nonce: _Nonce
    iat: _Integer
    nbf: _Integer
    exp: _Integer
    jti: _Code
    serial: _Serial
    decision: Decision
    reason: Reason
    policy: FastPolicyReference
    trust: TrustTier
    territory: _Territory | None = None
    message: FastMessage | None = None
    case: _Code | None = None
    check_in: _Seconds | None = None
    offline_limit: _Seconds | None = None
    not_before_lock: _Integer | None = None
    retry_after: _Seconds | None = None

    def members(self) -> dict[str, Any]:
        """The claims as JSON has them, the absent ones left out. `args` of a message are there even if it had none."""
        members: dict[str, Any] = msgspec.to_builtins(self)
        return members


_WORDS: Final = re.compile(" ".join([*[CODE] * 5, *[BASE64URL] * 2, TERRITORY])).fullmatch
"""Identifiers with one space between them. No expression matches a space, so they cannot run into each other."""

_NO_CASE: Final = "-"
_NO_TERRITORY: Final = "ZZ"

_OPTIONAL: Final = tuple(name for name in Claims.__struct_fields__ if name in OPTIONAL_CLAIMS)
_COMPLETE: Final = frozenset(
    (decision, *absent)
    for decision in Decision
    for absent in itertools.product((True, False), repeat=len(_OPTIONAL))
    if REQUIRED[decision]
    <= {name for name, lacks in zip(_OPTIONAL, absent, strict=True) if not lacks}
    <= ALLOWED[decision]
)
"""Each decision with every set of optional claims that it needs and allows, as `is_complete` spells it."""


def is_complete(claims: Claims) -> bool:
    """Whether identifiers have the characters of the contract, and the decision the claims that it needs and allows."""
    words = (
        f"{claims.sub} {claims.jti} {claims.policy.id} {claims.policy.rule} {claims.case or _NO_CASE}"
        f" {claims.cnf.jkt} {claims.eat_nonce} {claims.territory or _NO_TERRITORY}"
    )
    shape = (
        claims.decision,
        claims.territory is None,
        claims.message is None,
        claims.case is None,
        claims.check_in is None,
        claims.offline_limit is None,
        claims.not_before_lock is None,
        claims.retry_after is None,
    )
    return _WORDS(words) is not None and shape in _COMPLETE
