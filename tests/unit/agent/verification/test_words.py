"""The stable words of the verifier, which traces, logs and tests use."""

from enum import Enum

import pytest

from agent.verification.keyset import KeySet
from agent.verification.strict_json import JsonFault
from agent.verification.validity import ValidityViolation


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (JsonFault, ["not-json", "member-duplicate", "too-deep", "number"]),
        (ValidityViolation, ["not-yet", "over"]),
    ],
)
def test_words_are_stable(words: type[Enum], values: list[str]) -> None:
    assert [word.value for word in words] == values


def test_representation_and_comparison_of_a_key_set_use_only_the_listed_fields() -> None:
    listed = {"keys": [{"kty": "oct", "kid": "a", "k": "AA"}]}
    one, other = KeySet.from_jwks(listed), KeySet.from_jwks(listed)
    assert one == other
    assert len({one, other}) == 1
    shown = repr(one)
    for derived in ("unfit", "timed", "_by_kid"):
        assert derived not in shown
