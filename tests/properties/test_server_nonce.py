"""Nonces that authenticate themselves."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_stub.evidence.challenges import Challenger
from server_stub.evidence.errors import EvidenceError
from tests.support.server_phone import NOW, Randomness
from wire.codes import ProblemCode
from wire.limits import NONCE_LIFETIME, NONCE_MAX

RANDOM = Randomness()
CHALLENGER = Challenger(b"k" * 32, RANDOM)
NONCE = CHALLENGER.issue(NOW).nonce


def code(nonce: str, now: int = NOW) -> ProblemCode:
    with pytest.raises(EvidenceError) as caught:
        CHALLENGER.recognize(nonce, now)
    return caught.value.code


@given(st.integers(0, 2**40 - 1 - NONCE_LIFETIME), st.integers(0, NONCE_LIFETIME - 1))
def test_a_nonce_is_recognized_all_its_life(issued: int, age: int) -> None:
    """A phone on a slow line gets the whole of the time that it was promised."""
    challenge = CHALLENGER.issue(issued)
    assert CHALLENGER.recognize(challenge.nonce, issued + age).until == issued + challenge.expires_in


@given(st.integers(-(10**6), 10**6).filter(lambda age: not 0 <= age < NONCE_LIFETIME))
def test_a_nonce_is_refused_before_and_after_its_life(age: int) -> None:
    """A server whose clock was set back must not accept what it will issue again."""
    assert code(NONCE, NOW + age) is ProblemCode.CHALLENGE_EXPIRED


@pytest.mark.parametrize("bit", range(33 * 8))
def test_any_bit_flipped_is_refused(bit: int) -> None:
    """Every one of them, the issue time included."""
    octets = bytearray(base64.urlsafe_b64decode(NONCE))
    octets[bit // 8] ^= 1 << bit % 8
    assert code(base64.urlsafe_b64encode(bytes(octets)).decode()) is ProblemCode.CHALLENGE_INVALID


@given(st.text(alphabet="ABCabc019-_+/=. \n", max_size=NONCE_MAX) | st.text(max_size=60))
def test_what_was_not_issued_is_refused(nonce: str) -> None:
    """Rubbish of any kind is one named error."""
    assert code(nonce) is ProblemCode.CHALLENGE_INVALID


@given(st.binary(min_size=33, max_size=33), st.binary(min_size=32, max_size=40))
def test_another_key_recognizes_nothing(octets: bytes, key: bytes) -> None:
    """Nonces of one server are worth nothing at another."""
    if key == CHALLENGER.key:
        return
    nonce = Challenger(key, RANDOM).issue(NOW).nonce
    assert code(nonce) is ProblemCode.CHALLENGE_INVALID
    assert code(base64.urlsafe_b64encode(octets).decode()) is ProblemCode.CHALLENGE_INVALID
