"""A verdict that this phone may act on: steps 8 to 14, after the seven of `jws`.

This list is normative; the functions below follow it in this order, and the first that refuses ends it.

8.  Payload: strict JSON, no member twice, integers only, bounded depth, no `null`; every claim is known and
    well-formed, and every claim is there that all verdicts carry.
9.  `iss` and `aud` are the ones that the image pins.
10. `cnf.jkt` is the thumbprint of the key that signed the evidence (RFC 7800): it is about this phone.
11. `eat_nonce` is the challenge that is outstanding: the verdict is about now.
12. Times, against trusted time (see `Reckoning`): issued neither before the challenge nor in the future,
    valid by now, not expired, living no longer than `limits.LIFETIME_MAX`, and not contradicting each other.
13. `serial` is greater than the sealed one, `policy.version` not lower: nothing older comes again.
14. Decision and reason are known, the claims are complete for the decision and none contradicts it; an
    announced lock does not lie before the verdict.

Only then does a `VerifiedVerdict` exist.
"""

from dataclasses import InitVar, dataclass
from enum import Enum
from typing import Final, NoReturn, final

from agent.verification import jws, strict_json
from agent.verification.errors import Code, VerificationError
from agent.verification.keyset import KeySet
from agent.verification.strict_json import Fault
from wire import limits, media
from wire.codes import Decision, Reason
from wire.verdict import REQUIRED, UncheckedVerdict, Verdict

_AUTHORITY: Final = object()
_KNOWN: Final = frozenset(UncheckedVerdict.model_fields)
_MANDATORY: Final = frozenset(
    name for name, claim in UncheckedVerdict.model_fields.items() if claim.is_required()
)
_DECISIONS: Final = frozenset(Decision)
_REASONS: Final = frozenset(Reason)
_TEXTS: Final = frozenset(
    {"iss", "aud", "sub", "eat_nonce", "jti", "decision", "reason", "trust", "territory", "case"}
)
"""Claims whose value is one string."""
_STRINGS_OF_CNF_AND_POLICY: Final = 2 + 5
"""Names and string values of `{"jkt": "…"}` and of `{"id": "…", "version": 1, "rule": "…"}`."""
_READ_JSON: Final = Verdict.__pydantic_validator__.validate_json  # `model_validate_json` without its options
_FAULTS: Final = {
    Fault.NOT_JSON: Code.PAYLOAD_NOT_JSON,
    Fault.MEMBER_DUPLICATE: Code.PAYLOAD_MEMBER_DUPLICATE,
    Fault.TOO_DEEP: Code.PAYLOAD_TOO_DEEP,
    Fault.NUMBER: Code.PAYLOAD_NUMBER,
}


class Reckoning(Enum):
    """How well `now` is known. Trusted time is never ahead of the truth; it may lag behind.

    EXACT: a verdict was received in this boot session, and elapsed time has been counted since without a gap.
    AT_LEAST: first contact, or a reboot since: time unknown has passed. A later time is no ground for refusal
    then, because the answer to a fresh nonce is what tells the time.
    """

    EXACT = "exact"
    AT_LEAST = "at-least"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a verdict must match to be for this phone, this challenge and this moment.

    `thumbprint` is the RFC 7638 thumbprint of the key that signed the evidence, `nonce` the outstanding
    challenge. `serial` and `policy_version` are the last sealed ones, 0 where there are none.
    """

    issuer: str
    audience: str
    thumbprint: str
    nonce: str
    serial: int
    policy_version: int
    reckoning: Reckoning


@final
@dataclass(frozen=True, slots=True)
class VerifiedVerdict:
    """A verdict that passed all fourteen steps: the one thing that the lock machine takes as authority.

    Only `verify` makes one; anything else that tries gets a TypeError. `claims` is complete for its decision.
    """

    claims: Verdict
    authority: InitVar[object]

    def __post_init__(self, authority: object) -> None:
        if authority is not _AUTHORITY:
            raise TypeError("a VerifiedVerdict comes from agent.verification.verdict.verify alone")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a VerifiedVerdict cannot be pickled: store the token and verify it again")

    @property
    def decision(self) -> Decision:
        """What to do."""
        return self.claims.decision

    @property
    def reason(self) -> Reason:
        """Why."""
        return self.claims.reason


def verify(token: str | bytes, keys: KeySet, *, expected: Expected, now: int) -> VerifiedVerdict:
    """Take all fourteen steps. `now` is trusted time in seconds since the epoch.

    Raises VerificationError, with nothing of the token on it.
    """
    payload = jws.verify_compact(token, keys, typ=media.VERDICT_TYP)
    claims = read_claims(payload)
    check_parties(claims, expected)
    check_key_binding(claims, expected)
    check_nonce(claims, expected)
    check_times(claims, expected.reckoning, now)
    check_freshness(claims, expected)
    return VerifiedVerdict(check_decision(claims), _AUTHORITY)


def read_claims(payload: bytes) -> UncheckedVerdict:
    """Step 8. Returns a `Verdict` where the claims already satisfy what step 14 asks of them."""
    verdict = _read_quickly(payload)
    if verdict is not None:
        return verdict
    members = strict_json.read(payload)
    if isinstance(members, Fault):
        raise VerificationError(_FAULTS[members])
    return _well_formed(members)


def _read_quickly(payload: bytes) -> Verdict | None:
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
    given = claims.model_fields_set
    count = len(given) + len(given & _TEXTS) + _STRINGS_OF_CNF_AND_POLICY
    message = claims.message
    if message is None:
        return count
    return count + len(message.model_fields_set) + 1 + 2 * len(message.args)


def _well_formed(members: strict_json.JsonObject) -> UncheckedVerdict:
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


def check_parties(claims: UncheckedVerdict, expected: Expected) -> None:
    """Step 9."""
    if claims.iss != expected.issuer:
        raise VerificationError(Code.ISSUER_MISMATCH)
    if claims.aud != expected.audience:
        raise VerificationError(Code.AUDIENCE_MISMATCH)


def check_key_binding(claims: UncheckedVerdict, expected: Expected) -> None:
    """Step 10."""
    if claims.cnf.jkt != expected.thumbprint:
        raise VerificationError(Code.KEY_BINDING_MISMATCH)


def check_nonce(claims: UncheckedVerdict, expected: Expected) -> None:
    """Step 11. The nonce is no secret, so comparing it need not take constant time."""
    if claims.eat_nonce != expected.nonce:
        raise VerificationError(Code.NONCE_MISMATCH)


def check_times(claims: UncheckedVerdict, reckoning: Reckoning, now: int) -> None:
    """Step 12."""
    issued, begins, ends = claims.iat, claims.nbf, claims.exp
    if ends <= issued or begins > ends:
        raise VerificationError(Code.TIMES_CONTRADICTORY)
    if ends - issued > limits.LIFETIME_MAX:
        raise VerificationError(Code.LIFETIME_TOO_LONG)
    if ends <= now - limits.SKEW:
        raise VerificationError(Code.EXPIRED)
    if issued < now - limits.SKEW:
        raise VerificationError(Code.ISSUED_IN_PAST)
    # Where trusted time may lag, the verdict itself says how late it is.
    latest = now if reckoning is Reckoning.EXACT else max(now, issued)
    if issued > latest + limits.SKEW:
        raise VerificationError(Code.ISSUED_IN_FUTURE)
    if begins > latest + limits.SKEW:
        raise VerificationError(Code.NOT_YET_VALID)


def check_freshness(claims: UncheckedVerdict, expected: Expected) -> None:
    """Step 13."""
    if claims.serial <= expected.serial:
        raise VerificationError(Code.SERIAL_NOT_NEWER)
    if claims.policy.version < expected.policy_version:
        raise VerificationError(Code.POLICY_ROLLED_BACK)


def check_decision(claims: UncheckedVerdict) -> Verdict:
    """Step 14. Returns the claims with decision and reason known."""
    if not isinstance(claims, Verdict):
        raise VerificationError(_why_incomplete(claims))
    if claims.not_before_lock is not None and claims.not_before_lock < claims.iat:
        raise VerificationError(Code.LOCK_BEFORE_ISSUE)
    return claims


def _why_incomplete(claims: UncheckedVerdict) -> Code:
    """What keeps well-formed claims from being a `Verdict`."""
    if claims.decision not in _DECISIONS:
        return Code.DECISION_UNKNOWN
    if claims.reason not in _REASONS:
        return Code.REASON_UNKNOWN
    lacking = REQUIRED[Decision(claims.decision)] - claims.optional_claims()
    # What is known and complete and still no `Verdict` carries a claim that its decision does not allow.
    return Code.DECISION_INCOMPLETE if lacking else Code.DECISION_CONTRADICTORY
