"""Nonces are authenticated and expire."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_stub.evidence.challenges import SPENT_MAX, Challenger, SpendableNonce, SpentNonces
from server_stub.evidence.errors import EvidenceError
from tests.support.server_phone import NOW, Randomness
from wire.codes import ProblemCode
from wire.limits import NONCE_LIFETIME, NONCE_MAX, SKEW

RANDOM = Randomness()
KEY = b"k" * 32
CHALLENGER = Challenger(KEY, RANDOM)
NONCE = CHALLENGER.issue(NOW).nonce


def code(nonce: str, now: int = NOW) -> ProblemCode:
    with pytest.raises(EvidenceError) as caught:
        CHALLENGER.recognize(nonce, now)
    return caught.value.code


@given(st.integers(0, 2**40 - 1 - NONCE_LIFETIME), st.integers(-SKEW, NONCE_LIFETIME - 1))
def test_nonce_is_accepted_during_its_lifetime_by_any_correct_clock(issued: int, age: int) -> None:
    challenge = CHALLENGER.issue(issued)
    assert CHALLENGER.recognize(challenge.nonce, issued + age).until == issued + challenge.expires_in


@given(st.integers(-(10**6), 10**6).filter(lambda age: not -SKEW <= age < NONCE_LIFETIME))
def test_nonce_is_rejected_before_and_after_its_lifetime(age: int) -> None:
    """A server whose clock was set back must not accept a nonce that it will issue again."""
    assert code(NONCE, NOW + age) is ProblemCode.CHALLENGE_EXPIRED


def test_nonce_with_any_bit_flipped_is_rejected() -> None:
    for bit in range(33 * 8):
        flipped = bytearray(base64.urlsafe_b64decode(NONCE))
        flipped[bit // 8] ^= 1 << bit % 8
        assert code(base64.urlsafe_b64encode(flipped).decode()) is ProblemCode.CHALLENGE_INVALID, bit


@given(st.text(alphabet="ABCabc019-_+/=. \n", max_size=NONCE_MAX) | st.text(max_size=60))
def test_text_that_was_not_issued_is_rejected(nonce: str) -> None:
    assert code(nonce) is ProblemCode.CHALLENGE_INVALID


@given(st.binary(min_size=33, max_size=33), st.binary(min_size=32, max_size=40))
def test_nonce_of_another_key_is_rejected(data: bytes, key: bytes) -> None:
    if key == KEY:
        return
    nonce = Challenger(key, RANDOM).issue(NOW).nonce
    assert code(nonce) is ProblemCode.CHALLENGE_INVALID
    assert code(base64.urlsafe_b64encode(data).decode()) is ProblemCode.CHALLENGE_INVALID


def is_spent(spent: SpentNonces, nonce: SpendableNonce) -> bool:
    try:
        spent.check(nonce)
    except EvidenceError as error:
        return error.code is ProblemCode.CHALLENGE_SPENT
    return False


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 200)), max_size=30), st.integers(1, 5))
def test_spent_nonces_are_bounded_and_the_newest_are_kept_until_they_expire(
    steps: list[tuple[int, int]], most: int
) -> None:
    """Each step spends one of ten nonces after some seconds."""
    spent, now = SpentNonces(most), NOW
    for number, seconds in steps:
        now += seconds
        nonce = SpendableNonce(b"%d" % number, now + NONCE_LIFETIME)
        spent.add(nonce, now)
        assert is_spent(spent, nonce)
        assert len(spent) <= most
    assert not any(is_spent(spent, SpendableNonce(b"%d" % number, 0)) for number in range(10, 20))


def test_a_flood_of_spent_nonces_takes_a_bounded_amount_of_memory() -> None:
    spent = SpentNonces()
    for number in range(SPENT_MAX * 2):
        spent.add(SpendableNonce(number.to_bytes(33, "big"), NOW + 1), NOW)
    assert len(spent) == SPENT_MAX
    assert is_spent(spent, SpendableNonce((SPENT_MAX * 2 - 1).to_bytes(33, "big"), NOW))
    spent.add(SpendableNonce(b"later", NOW + 2), NOW + 1)
    assert len(spent) == 1
