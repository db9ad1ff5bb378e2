"""The verified claims of a verdict: immutable, and fast to read.

`wire.verdict.Verdict` is the contract. These types repeat it for a JSON reader that is ten times faster;
`tests/unit/agent/verification/test_fast_claims.py` checks that both have the same names, order, bounds and characters.
`is_complete` checks what the types do not: the characters of identifiers, and completeness for the decision.
"""

import itertools
import re
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from wire import limits
from wire.codes import Decision, MessageKey, Reason, TrustTier
from wire.model import BASE64URL, CODE, TERRITORY, TEXT
from wire.verdict import ALLOWED, OPTIONAL_CLAIMS, REQUIRED

_Party = Annotated[str, Meta(min_length=1, max_length=limits.PARTY_MAX)]
_Code = Annotated[str, Meta(min_length=1, max_length=limits.CODE_MAX)]
# Verified by separate expressions, because messages have few arguments. `$` would permit a line feed at the end.
_Name = Annotated[str, Meta(pattern=rf"^{CODE}\Z", max_length=limits.CODE_MAX)]
_Text = Annotated[str, Meta(pattern=rf"^{TEXT}\Z", max_length=limits.TEXT_MAX)]
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
    """The policy and the rule that decided."""

    id: _Code
    version: _Integer
    rule: _Code


class FastMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A sentence by its catalogue key. `args` is written even if empty, as by the model of the contract."""

    key: MessageKey
    args: Annotated[dict[_Name, _Text], Meta(max_length=limits.ARGUMENTS_MAX)]


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """All claims of a verdict, as in `wire.verdict.Verdict`. None means that a claim is absent."""

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
        """The claims as JSON members, without absent ones. `args` of a message is present even if empty."""
        members: dict[str, Any] = msgspec.to_builtins(self)
        return members


_WORDS: Final = re.compile(" ".join([*[CODE] * 5, *[BASE64URL] * 2, TERRITORY])).fullmatch
"""All identifiers, separated by spaces. None of the expressions matches a space, so the fields are separate."""

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
"""Each decision with all permitted combinations of absent optional claims, in the form of `shape` in `is_complete`."""


def is_complete(claims: Claims) -> bool:
    """Whether the identifiers have permitted characters, and the optional claims fit the decision."""
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
