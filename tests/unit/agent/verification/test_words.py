"""The words by which the parts of the verifier name what they found: traces, logs and tests know them."""

from enum import Enum

import pytest

from agent.verification.keyset import KeySet
from agent.verification.strict_json import JsonFault
from agent.verification.validity import ValidityViolation
from agent.verification.verdict import TimeCertainty


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (JsonFault, ["not-json", "member-duplicate", "too-deep", "number"]),
        (ValidityViolation, ["not-yet", "over"]),
        (TimeCertainty, ["exact", "at-least"]),
    ],
)
def test_words_are_stable(words: type[Enum], values: list[str]) -> None:
    """A word that changes breaks whoever looks for it."""
    assert [word.value for word in words] == values


def test_a_key_set_shows_and_compares_what_was_listed_and_nothing_derived() -> None:
    """Two sets of the same entries are one to a dictionary, and a log line does not say everything twice."""
    listed = {"keys": [{"kty": "oct", "kid": "a", "k": "AA"}]}
    one, other = KeySet.from_jwks(listed), KeySet.from_jwks(listed)
    assert one == other
    assert len({one, other}) == 1
    shown = repr(one)
    for derived in ("unfit", "timed", "_by_kid"):
        assert derived not in shown
