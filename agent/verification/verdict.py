"""A verdict that this phone may act on: steps 8 to 14, after the seven of `jws`.

This list is normative; the functions below follow it in this order, and the first that refuses ends it.

8.  Payload: strict JSON, no member twice, integers only, bounded depth, no `null`; every claim is known and
    well-formed, and every claim is there that all verdicts carry.
9.  `iss` and `aud` are the ones that the image pins.
10. `cnf.jkt` is the thumbprint of the key that signed the evidence (RFC 7800): it is about this phone.
11. `eat_nonce` is the challenge that is outstanding: the verdict is about now.
12. Times, against trusted time (see `TimeCertainty`): issued neither before the challenge nor in the future,
    valid by now, not expired, living no longer than `limits.LIFETIME_MAX`, and not contradicting each other.
    Where the key says when it may be used, the verdict was issued then: a phone that does not know the time
    takes it from the verdict, so the key must have been valid at the time that the verdict tells.
13. `serial` is greater than the sealed one, `policy.version` not lower: nothing older comes again.
14. Decision and reason are known, the claims are complete for the decision and none contradicts it; an
    announced lock does not lie before the verdict.

Only then does a `VerifiedVerdict` exist.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NoReturn, final

from agent.verification import jws
from agent.verification.claims import read_claims
from agent.verification.errors import Code, VerificationError
from agent.verification.fast_claims import Claims
from agent.verification.keyset import KeySet
from agent.verification.validity import ALWAYS, TimeBounds, Validity
from wire import limits, media
from wire.codes import Decision, Reason
from wire.verdict import REQUIRED, UncheckedVerdict

_AUTHORITY: Final = object()
_DECISIONS: Final = frozenset(Decision)
_REASONS: Final = frozenset(Reason)


class TimeCertainty(Enum):
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
    reckoning: TimeCertainty


@final
@dataclass(frozen=True, slots=True, init=False)
class VerifiedVerdict:
    """A verdict that passed all fourteen steps: the one thing that the lock machine takes as authority.

    Only `verify` makes one; anything else that tries gets a TypeError. `claims` is complete for its decision.
    """

    claims: Claims

    def __init__(self, claims: Claims, authority: object) -> None:
        if authority is not _AUTHORITY:
            raise TypeError("a VerifiedVerdict comes from agent.verification.verdict.verify alone")
        object.__setattr__(self, "claims", claims)

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
    time = time_bounds(expected.reckoning, now) if keys.timed else None
    opened = jws.open_compact(token, keys, typ=media.VERDICT_TYP, time=time)
    claims = read_claims(opened.payload)
    check_parties(claims, expected)
    check_key_binding(claims, expected)
    check_nonce(claims, expected)
    check_times(claims, expected.reckoning, now)
    check_issued_under(opened.key.validity, claims)
    check_freshness(claims, expected)
    return VerifiedVerdict(check_decision(claims), _AUTHORITY)


def time_bounds(reckoning: TimeCertainty, now: int) -> TimeBounds:
    """What trusted time says of the time, for step 5."""
    return TimeBounds(now - limits.SKEW, now + limits.SKEW if reckoning is TimeCertainty.EXACT else None)


def check_parties(claims: Claims | UncheckedVerdict, expected: Expected) -> None:
    """Step 9."""
    if claims.iss != expected.issuer:
        raise VerificationError(Code.ISSUER_MISMATCH)
    if claims.aud != expected.audience:
        raise VerificationError(Code.AUDIENCE_MISMATCH)


def check_key_binding(claims: Claims | UncheckedVerdict, expected: Expected) -> None:
    """Step 10."""
    if claims.cnf.jkt != expected.thumbprint:
        raise VerificationError(Code.KEY_BINDING_MISMATCH)


def check_nonce(claims: Claims | UncheckedVerdict, expected: Expected) -> None:
    """Step 11. The nonce is no secret, so comparing it need not take constant time."""
    if claims.eat_nonce != expected.nonce:
        raise VerificationError(Code.NONCE_MISMATCH)


def check_times(claims: Claims | UncheckedVerdict, reckoning: TimeCertainty, now: int) -> None:
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
    latest = now if reckoning is TimeCertainty.EXACT else max(now, issued)
    if issued > latest + limits.SKEW:
        raise VerificationError(Code.ISSUED_IN_FUTURE)
    if begins > latest + limits.SKEW:
        raise VerificationError(Code.NOT_YET_VALID)


def check_issued_under(validity: Validity, claims: Claims | UncheckedVerdict) -> None:
    """Step 12, second half: the key was valid when the verdict says that it was issued."""
    if validity is not ALWAYS and validity.lapse(time_bounds(TimeCertainty.EXACT, claims.iat)) is not None:
        raise VerificationError(Code.ISSUED_OUTSIDE_KEY_VALIDITY)


def check_freshness(claims: Claims | UncheckedVerdict, expected: Expected) -> None:
    """Step 13."""
    if claims.serial <= expected.serial:
        raise VerificationError(Code.SERIAL_NOT_NEWER)
    if claims.policy.version < expected.policy_version:
        raise VerificationError(Code.POLICY_ROLLED_BACK)


def check_decision(claims: Claims | UncheckedVerdict) -> Claims:
    """Step 14. Returns the claims with decision and reason known."""
    if not isinstance(claims, Claims):
        raise VerificationError(_why_incomplete(claims))
    if claims.not_before_lock is not None and claims.not_before_lock < claims.iat:
        raise VerificationError(Code.LOCK_BEFORE_ISSUE)
    return claims


def _why_incomplete(claims: UncheckedVerdict) -> Code:
    """What keeps well-formed claims from being a verdict's."""
    if claims.decision not in _DECISIONS:
        return Code.DECISION_UNKNOWN
    if claims.reason not in _REASONS:
        return Code.REASON_UNKNOWN
    lacking = REQUIRED[Decision(claims.decision)] - claims.optional_claims()
    # What is known and complete and still not accepted carries a claim that its decision does not allow.
    return Code.DECISION_INCOMPLETE if lacking else Code.DECISION_CONTRADICTORY
