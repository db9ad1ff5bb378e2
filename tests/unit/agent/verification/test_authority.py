"""A `VerifiedVerdict` says why it cannot be made or copied, and what it decides."""

import pickle

import pytest

from agent.verification.verdict import VerifiedVerdict
from tests.support.tokens import verified
from wire.codes import Decision, Reason


def test_it_tells_decision_and_reason() -> None:
    """The two that the lock machine acts on."""
    verdict = verified("deny")
    assert (verdict.decision, verdict.reason) == (Decision.DENY, Reason.TERRITORY_PROHIBITED)


def test_who_makes_one_by_hand_is_told_who_may() -> None:
    """The error says what to call instead."""
    with pytest.raises(TypeError, match=r"comes from agent\.verification\.verdict\.verify alone"):
        VerifiedVerdict(verified("allow").claims, object())


def test_who_pickles_one_is_told_what_to_store() -> None:
    """The error says what to do instead."""
    with pytest.raises(TypeError, match="store the token and verify it again"):
        pickle.dumps(verified("allow"))
