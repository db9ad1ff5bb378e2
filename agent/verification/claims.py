"""Step 8 of 14: reads the claims of a payload in one pass, or with the strict reader, which finds the code."""

from contextlib import suppress
from typing import Final

from pydantic import ValidationError

from agent.verification import strict_json
from agent.verification.errors import Code, VerificationError
from agent.verification.strict_json import JsonFault
from wire.verdict import UncheckedVerdict, Verdict

_KNOWN: Final = frozenset(UncheckedVerdict.model_fields)
_MANDATORY: Final = frozenset(
    name for name, claim in UncheckedVerdict.model_fields.items() if claim.is_required()
)
_READ: Final = Verdict.__pydantic_validator__.validate_json
_FAULTS: Final = {
    JsonFault.NOT_JSON: Code.PAYLOAD_NOT_JSON,
    JsonFault.MEMBER_DUPLICATE: Code.PAYLOAD_MEMBER_DUPLICATE,
    JsonFault.TOO_DEEP: Code.PAYLOAD_TOO_DEEP,
    JsonFault.NUMBER: Code.PAYLOAD_NUMBER,
}


def read_claims(payload: bytes) -> UncheckedVerdict:
    """Step 8 (RFC 7519 sections 4 and 7.2, RFC 7493). Returns a `Verdict` if they are also complete for step 14."""
    claims = parse_fast(payload)
    if claims is not None:
        return claims
    members = strict_json.read(payload)
    if isinstance(members, JsonFault):
        raise VerificationError(_FAULTS[members])
    return well_formed(members)


def parse_fast(payload: bytes) -> Verdict | None:
    """The claims in one pass, if `payload` is exactly as an issuer writes it; else None.

    The reader is lenient in places: it uses the last of two equal members, and reads `null` as absence. So the claims
    are written again. If this gives the same bytes, nothing was dropped or changed, because the writer has only one
    output for each value. Any other payload must go to the strict reader.
    """
    try:
        claims: Verdict = _READ(payload)
    except ValidationError:  # its message can quote the input; the strict reader finds the code
        return None
    return claims if claims.to_wire() == payload else None


def well_formed(members: strict_json.JsonObject) -> UncheckedVerdict:
    """The claims of a payload that is strict JSON. Raises VerificationError if they are not those of a verdict."""
    if not members.keys() <= _KNOWN:
        raise VerificationError(Code.CLAIM_UNKNOWN)
    if not members.keys() >= _MANDATORY:
        raise VerificationError(Code.CLAIM_MISSING)
    claims = None if None in members.values() else _typed(members)
    if claims is None:
        raise VerificationError(Code.CLAIM_MALFORMED)
    return claims


def _typed(members: strict_json.JsonObject) -> UncheckedVerdict | None:
    for model in (Verdict, UncheckedVerdict):
        with suppress(ValidationError):
            return model.model_validate(members)
    return None
