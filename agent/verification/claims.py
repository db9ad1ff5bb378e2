"""Step 8 of 14: the claims of a payload, well-formed and typed, read quickly or read strictly."""

from typing import Final

from agent.verification import strict_json
from agent.verification.errors import Code, VerificationError
from agent.verification.strict_json import Fault
from wire.verdict import UncheckedVerdict, Verdict

_KNOWN: Final = frozenset(UncheckedVerdict.model_fields)
_MANDATORY: Final = frozenset(
    name for name, claim in UncheckedVerdict.model_fields.items() if claim.is_required()
)
_STRINGS_WHERE_MANDATORY: Final = 8 + 2 + 5
"""String values of the mandatory claims, and names and string values within `cnf` and `policy`."""
_READ_JSON: Final = Verdict.__pydantic_validator__.validate_json  # `model_validate_json` without its options
_FAULTS: Final = {
    Fault.NOT_JSON: Code.PAYLOAD_NOT_JSON,
    Fault.MEMBER_DUPLICATE: Code.PAYLOAD_MEMBER_DUPLICATE,
    Fault.TOO_DEEP: Code.PAYLOAD_TOO_DEEP,
    Fault.NUMBER: Code.PAYLOAD_NUMBER,
}


def read_claims(payload: bytes) -> UncheckedVerdict:
    """Step 8. Returns a `Verdict` where the claims already satisfy what step 14 asks of them."""
    verdict = read_quickly(payload)
    if verdict is not None:
        return verdict
    members = strict_json.read(payload)
    if isinstance(members, Fault):
        raise VerificationError(_FAULTS[members])
    return well_formed(members)


def read_quickly(payload: bytes) -> Verdict | None:
    """The verdict in one pass, where that pass provably saw all that `payload` says; else None.

    The one pass (pydantic's) does everything that step 8 asks for but two things: of a member that is named twice it
    keeps the last, and it takes `null` for absence. Where no escape occurs, every quotation mark delimits a string,
    so a name that was dropped shows in their number. A payload in doubt goes to the strict reader.
    """
    if b"\\" in payload or b"null" in payload:
        return None
    try:
        verdict = _READ_JSON(payload)
    except ValueError:  # pydantic's ValidationError, which quotes its input: the strict reader finds the code
        return None
    return verdict if payload.count(b'"') == 2 * _strings(verdict) else None


def _strings(claims: Verdict) -> int:
    """How many strings JSON needs for `claims`: each name, and each value that is one."""
    count = len(claims.__pydantic_fields_set__) + _STRINGS_WHERE_MANDATORY
    count += (claims.territory is not None) + (claims.case is not None)
    message = claims.message
    if message is None:
        return count
    return count + len(message.__pydantic_fields_set__) + 1 + 2 * len(message.args)


def well_formed(members: strict_json.JsonObject) -> UncheckedVerdict:
    """The claims of a payload that is strict JSON. Raises VerificationError where they are not a verdict's."""
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
        try:
            return model.model_validate(members)
        except ValueError:
            continue
    return None
