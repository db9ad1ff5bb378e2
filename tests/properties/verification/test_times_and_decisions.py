"""Steps 12 and 14 over their whole input, as far as it differs."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.verification.claims import read_claims
from agent.verification.errors import Code, VerificationError
from agent.verification.fast_claims import Claims
from agent.verification.verdict import TimeCertainty, check_decision, check_times
from tests.support.profiles import examples
from tests.support.tokens import CLAIMS, NOW, compact, make_verdict
from wire.codes import Decision
from wire.limits import LIFETIME_MAX, SKEW
from wire.verdict import ALLOWED, OPTIONAL_CLAIMS, REQUIRED, UncheckedVerdict

OFFSETS = sorted(
    {edge + step for edge in (-LIFETIME_MAX, -SKEW, 0, SKEW, LIFETIME_MAX) for step in (-1, 0, 1)}
)


def accepted(iat: int, nbf: int, exp: int, reckoning: TimeCertainty) -> bool:
    claims = UncheckedVerdict.model_construct(iat=iat, nbf=nbf, exp=exp)
    try:
        check_times(claims, reckoning, NOW)
    except VerificationError:
        return False
    return True


def may_pass(iat: int, nbf: int, exp: int, reckoning: TimeCertainty) -> bool:
    """The rule in one expression, independent of the code under test."""
    sound = iat < exp <= iat + LIFETIME_MAX and nbf <= exp
    alive = exp > NOW - SKEW and iat >= NOW - SKEW
    if reckoning is TimeCertainty.EXACT:
        return sound and alive and iat <= NOW + SKEW and nbf <= NOW + SKEW
    return sound and alive and nbf <= max(iat, NOW) + SKEW


@pytest.mark.parametrize("reckoning", TimeCertainty)
def test_times_are_accepted_exactly_by_the_rule(reckoning: TimeCertainty) -> None:
    """Every combination of the limits and their neighbours, for all three times."""
    for iat, nbf, exp in itertools.product((NOW + offset for offset in OFFSETS), repeat=3):
        assert accepted(iat, nbf, exp, reckoning) is may_pass(iat, nbf, exp, reckoning)


@settings(max_examples=examples(150))
@given(st.tuples(*[st.integers(NOW - 3 * LIFETIME_MAX, NOW + 3 * LIFETIME_MAX)] * 3))
def test_exact_time_rejects_all_times_that_a_lower_bound_rejects(times: tuple[int, int, int]) -> None:
    assert accepted(*times, TimeCertainty.AT_LEAST) or not accepted(*times, TimeCertainty.EXACT)


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


def refusal(claims: Claims | UncheckedVerdict) -> Code | None:
    try:
        check_decision(claims)
    except VerificationError as refused:
        return refused.code
    return None


def expected_refusal(decision: Decision, present: frozenset[str]) -> Code | None:
    if not present >= REQUIRED[decision]:
        return Code.DECISION_INCOMPLETE
    return None if present <= ALLOWED[decision] else Code.DECISION_CONTRADICTORY
