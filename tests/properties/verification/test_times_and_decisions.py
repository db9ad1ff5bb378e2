"""Steps 12 and 14 over their whole input, as far as it differs."""

import itertools

import pytest

from agent.verification.claims import read_claims
from agent.verification.errors import Code, VerificationError
from agent.verification.validity import TimeBounds
from agent.verification.verdict import check_decision, check_times
from tests.support.tokens import CLAIMS, NOW, compact, make_verdict
from wire.codes import Decision
from wire.limits import LIFETIME_MAX, SKEW
from wire.verdict import ALLOWED, OPTIONAL_CLAIMS, REQUIRED, UncheckedVerdict

BOUNDS = (TimeBounds(NOW - LIFETIME_MAX, NOW + SKEW), TimeBounds(NOW - LIFETIME_MAX, None))
OFFSETS = sorted({edge + step for edge in (-LIFETIME_MAX, 0, SKEW, LIFETIME_MAX) for step in (-1, 0, 1)})


def accepted(iat: int, nbf: int, exp: int, time: TimeBounds) -> bool:
    claims = UncheckedVerdict.model_construct(iat=iat, nbf=nbf, exp=exp)
    try:
        check_times(claims, time)
    except VerificationError:
        return False
    return True


def may_pass(iat: int, nbf: int, exp: int, time: TimeBounds) -> bool:
    """The rule in one expression, independent of the code under test."""
    sound = iat < exp <= iat + LIFETIME_MAX and nbf <= exp
    return sound and iat >= time.earliest and (time.latest is None or max(iat, nbf) <= time.latest)


@pytest.mark.parametrize("time", BOUNDS)
def test_times_are_accepted_exactly_by_the_rule(time: TimeBounds) -> None:
    """Every combination of the limits and their neighbours, for all three times."""
    for iat, nbf, exp in itertools.product((NOW + offset for offset in OFFSETS), repeat=3):
        assert accepted(iat, nbf, exp, time) is may_pass(iat, nbf, exp, time)


VALUES = {
    name: value for claims in CLAIMS.values() for name, value in claims.items() if name in OPTIONAL_CLAIMS
}


@pytest.mark.parametrize("decision", Decision)
def test_decision_is_accepted_with_exactly_its_required_and_permitted_claims(decision: Decision) -> None:
    """All 128 combinations of optional claims, for each decision."""
    bare = make_verdict("release", decision=decision.value)
    for size in range(len(OPTIONAL_CLAIMS) + 1):
        for present in map(frozenset, itertools.combinations(sorted(OPTIONAL_CLAIMS), size)):
            claims = read_claims(compact(bare | {name: VALUES[name] for name in present}))
            assert refusal(claims) is expected_refusal(decision, present)


def refusal(claims: UncheckedVerdict) -> Code | None:
    try:
        check_decision(claims)
    except VerificationError as refused:
        return refused.code
    return None


def expected_refusal(decision: Decision, present: frozenset[str]) -> Code | None:
    if not present >= REQUIRED[decision]:
        return Code.DECISION_INCOMPLETE
    return None if present <= ALLOWED[decision] else Code.DECISION_CONTRADICTORY
