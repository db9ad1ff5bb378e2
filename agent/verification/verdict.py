"""Verification of a verdict: steps 8 to 14, after steps 1 to 7 in `jws`.

This list is normative. The functions below follow it in this order; the first failing step ends the verification.

8.  Payload: strict JSON, no member twice, only integers, bounded depth, no `null`. All claims are known and
    well-formed, and no mandatory claim is missing.
9.  `iss` and `aud` are the ones that the image pins.
10. `cnf.jkt` is the thumbprint of the key that signed the evidence (RFC 7800): the verdict is for this device.
11. `eat_nonce` is the pending challenge: the verdict is for this exchange.
12. Times: consistent with each other, a lifetime of at most `limits.LIFETIME_MAX`, and within the bounds of the time:
    issued, valid and not expired between `limits.LIFETIME_MAX` before the floor of trusted time and the ceiling (see
    `bounds`). The device takes the time from the verdict, so the bounds are wide; an earlier verdict does not pass
    steps 10 and 11. If the key has a validity period, the verdict was issued in it.
13. `serial` is greater than the sealed one, and `policy.version` is not lower: older verdicts are rejected.
14. Decision and reason are known, and the decision has all required and no other optional claims. An announced lock
    is not before the issue of the verdict.

Only then is a `VerifiedVerdict` created.
"""

from dataclasses import dataclass
from typing import Final, NoReturn, final

from agent.verification import jws
from agent.verification.claims import read_claims
from agent.verification.errors import Code, VerificationError
from agent.verification.keyset import KeySet
from agent.verification.validity import ALWAYS, TimeBounds, Validity
from wire import limits, media
from wire.codes import Decision, Reason
from wire.verdict import REQUIRED, UncheckedVerdict, Verdict

_AUTHORITY: Final = object()
_DECISIONS: Final = frozenset(Decision)
_REASONS: Final = frozenset(Reason)


@dataclass(frozen=True, slots=True)
class Expected:
    """The values that a verdict for this device and challenge must match.

    `thumbprint` is the RFC 7638 thumbprint of the key that signed the evidence, `nonce` the pending challenge.
    `serial` and `policy_version` are the last sealed ones, or 0.
    """

    issuer: str
    audience: str
    thumbprint: str
    nonce: str
    serial: int
    policy_version: int


@final
@dataclass(frozen=True, slots=True, init=False)
class VerifiedVerdict:
    """A verdict that passed all fourteen steps. The lock machine accepts no other type.

    Only `verify` creates one; other callers get a TypeError. `claims` is complete for its decision.
    """

    claims: Verdict

    def __init__(self, claims: Verdict, authority: object) -> None:
        if authority is not _AUTHORITY:
            raise TypeError("only agent.verification.verdict.verify creates a VerifiedVerdict")
        object.__setattr__(self, "claims", claims)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a VerifiedVerdict cannot be pickled; store the token and verify it again")

    @property
    def decision(self) -> Decision:
        """The decision."""
        return self.claims.decision

    @property
    def reason(self) -> Reason:
        """The reason."""
        return self.claims.reason


def verify(
    token: str | bytes, keys: KeySet, *, expected: Expected, now: int, latest: int | None = None
) -> VerifiedVerdict:
    """Do all fourteen steps. `now` is the floor of trusted time and `latest` the ceiling, in seconds since the epoch.

    Without a ceiling, a verdict can be issued at any later time. Raises VerificationError, which contains no part of
    the token.
    """
    time = time_bounds(now, latest)
    opened = jws.open_compact(token, keys, typ=media.VERDICT_TYP, time=time)
    claims = read_claims(opened.payload)
    check_parties(claims, expected)
    check_key_binding(claims, expected)
    check_nonce(claims, expected)
    check_times(claims, time)
    check_issued_under(opened.key.validity, claims)
    check_freshness(claims, expected)
    return VerifiedVerdict(check_decision(claims), _AUTHORITY)


def time_bounds(floor: int, latest: int | None) -> TimeBounds:
    """The bounds of the time of a verdict, for steps 5 and 12.

    They begin before the floor, which is late after an exchange with a server whose clock was ahead.
    """
    return TimeBounds(floor - limits.LIFETIME_MAX, latest)


def check_parties(claims: UncheckedVerdict, expected: Expected) -> None:
    """Step 9 (RFC 8725 sections 3.8 and 3.9)."""
    if claims.iss != expected.issuer:
        raise VerificationError(Code.ISSUER_MISMATCH)
    if claims.aud != expected.audience:
        raise VerificationError(Code.AUDIENCE_MISMATCH)


def check_key_binding(claims: UncheckedVerdict, expected: Expected) -> None:
    """Step 10 (RFC 7800 section 3.1, RFC 7638)."""
    if claims.cnf.jkt != expected.thumbprint:
        raise VerificationError(Code.KEY_BINDING_MISMATCH)


def check_nonce(claims: UncheckedVerdict, expected: Expected) -> None:
    """Step 11 (RFC 9711 section 4.1, RFC 9334 section 10.2). It is not secret, so constant time is not needed."""
    if claims.eat_nonce != expected.nonce:
        raise VerificationError(Code.NONCE_MISMATCH)


def check_times(claims: UncheckedVerdict, time: TimeBounds) -> None:
    """Step 12 (RFC 7519 sections 4.1.4 to 4.1.6)."""
    issued, begins, ends = claims.iat, claims.nbf, claims.exp
    if ends <= issued or begins > ends:
        raise VerificationError(Code.TIMES_CONTRADICTORY)
    if ends - issued > limits.LIFETIME_MAX:
        raise VerificationError(Code.LIFETIME_TOO_LONG)
    if ends <= time.earliest:
        raise VerificationError(Code.EXPIRED)
    if issued < time.earliest:
        raise VerificationError(Code.ISSUED_IN_PAST)
    if time.latest is not None and issued > time.latest:
        raise VerificationError(Code.ISSUED_AFTER_TIMESTAMP)
    if time.latest is not None and begins > time.latest:
        raise VerificationError(Code.NOT_YET_VALID)


def check_issued_under(validity: Validity, claims: UncheckedVerdict) -> None:
    """Step 12, second part: the key was valid when the verdict was issued."""
    issued = TimeBounds(claims.iat - limits.SKEW, claims.iat + limits.SKEW)
    if validity is not ALWAYS and validity.violation(issued) is not None:
        raise VerificationError(Code.ISSUED_OUTSIDE_KEY_VALIDITY)


def check_freshness(claims: UncheckedVerdict, expected: Expected) -> None:
    """Step 13."""
    if claims.serial <= expected.serial:
        raise VerificationError(Code.SERIAL_NOT_NEWER)
    if claims.policy.version < expected.policy_version:
        raise VerificationError(Code.POLICY_ROLLED_BACK)


def check_decision(claims: UncheckedVerdict) -> Verdict:
    """Step 14. Returns the claims with decision and reason known."""
    if not isinstance(claims, Verdict):
        if claims.decision not in _DECISIONS:
            raise VerificationError(Code.DECISION_UNKNOWN)
        if claims.reason not in _REASONS:
            raise VerificationError(Code.REASON_UNKNOWN)
        lacking = REQUIRED[Decision(claims.decision)] - claims.optional_claims()
        # A known and complete decision was not accepted by step 8 because it has a claim that is not permitted.
        raise VerificationError(Code.DECISION_INCOMPLETE if lacking else Code.DECISION_CONTRADICTORY)
    if claims.not_before_lock is not None and claims.not_before_lock < claims.iat:
        raise VerificationError(Code.LOCK_BEFORE_ISSUE)
    return claims
