"""`VerifiedVerdict`: its decision, and the errors for creating or copying one."""

import pickle

import pytest

from agent.verification.verdict import VerifiedVerdict
from tests.support.tokens import verified
from wire.codes import Decision, Reason


def test_a_verified_verdict_has_the_decision_and_reason_of_its_claims() -> None:
    verdict = verified("deny")
    assert (verdict.decision, verdict.reason) == (Decision.DENY, Reason.TERRITORY_PROHIBITED)


def test_creating_a_verified_verdict_raises_an_error_that_names_verify() -> None:
    with pytest.raises(TypeError, match=r"only agent\.verification\.verdict\.verify creates"):
        VerifiedVerdict(verified("allow").claims, object())


def test_pickling_a_verified_verdict_raises_an_error_that_says_what_to_do() -> None:
    with pytest.raises(TypeError, match="store the token and verify it again"):
        pickle.dumps(verified("allow"))
