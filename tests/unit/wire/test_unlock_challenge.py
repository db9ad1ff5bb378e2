"""The challenge of the lock screen is read as it was shown, or rejected."""

import base64
import binascii
import contextlib
import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wire.limits import NONCE_MAX, NONCE_MIN
from wire.unlock import ChallengeError, ChallengeFault, UnlockChallenge

imei14 = st.text(string.digits, min_size=14, max_size=14)
nonces = st.binary(min_size=10, max_size=10)
challenges = st.builds(UnlockChallenge, imei14, nonces)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def encoded(body: bytes) -> str:
    """The text of any 16 bytes, with a correct checksum."""
    whole = body + binascii.crc_hqx(body, 0).to_bytes(2, "big")
    return base64.b32encode(whole).decode().rstrip("=")


SPELLED_NO_IMEI = encoded(b"\xff" * 6 + bytes(10))
TYPED_AS = {"O": "Oo0", "I": "Ii1", "B": "Bb8"}


@given(challenges)
def test_shown_challenge_is_read_unchanged(challenge: UnlockChallenge) -> None:
    assert UnlockChallenge.parse(challenge.text()) == challenge


@given(challenges)
def test_challenge_is_shown_in_groups_of_five(challenge: UnlockChallenge) -> None:
    assert re.fullmatch(r"([A-Z2-7]{5}-){5}[A-Z2-7]{4}", challenge.text())


@given(challenges, st.data())
def test_case_spaces_hyphens_and_similar_digits_are_accepted(
    challenge: UnlockChallenge, data: st.DataObject
) -> None:
    typed = ""
    for letter in challenge.text().replace("-", ""):
        typed += data.draw(st.sampled_from(TYPED_AS.get(letter, letter + letter.lower())))
        typed += data.draw(st.sampled_from(["", "", "", " ", "-", "\n"]))
    assert UnlockChallenge.parse(typed) == challenge


@given(challenges, st.integers(0, 28), st.sampled_from(LETTERS))
def test_any_wrong_character_is_rejected(challenge: UnlockChallenge, at: int, letter: str) -> None:
    letters = challenge.text().replace("-", "")
    assume(letters[at] != letter)
    with pytest.raises(ChallengeError) as caught:
        UnlockChallenge.parse(letters[:at] + letter + letters[at + 1 :])
    assert caught.value.fault in {ChallengeFault.CHECKSUM, ChallengeFault.NOT_CANONICAL}


@given(challenges, st.integers(0, 27))
def test_swapped_neighbours_are_rejected(challenge: UnlockChallenge, at: int) -> None:
    letters = list(challenge.text().replace("-", ""))
    assume(letters[at] != letters[at + 1])
    letters[at], letters[at + 1] = letters[at + 1], letters[at]
    with pytest.raises(ChallengeError):
        UnlockChallenge.parse("".join(letters))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", ChallengeFault.LENGTH),
        ("FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGI", ChallengeFault.LENGTH),
        ("FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIYA", ChallengeFault.LENGTH),
        ("A" * 10_000, ChallengeFault.LENGTH),
        ("FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CG9Y", ChallengeFault.CHARACTER),
        ("FSKEV_N4HU4_AAAAA_AAAAA_AAAAA_CGIY", ChallengeFault.CHARACTER),
        ("FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIÝ", ChallengeFault.CHARACTER),
        ("ſSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY", ChallengeFault.CHARACTER),
        ("FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIZ", ChallengeFault.NOT_CANONICAL),
        ("FSKEV-N4HU4-AAAAA-AAAAA-AAAAB-CGIY", ChallengeFault.CHECKSUM),
        (SPELLED_NO_IMEI, ChallengeFault.IMEI),
    ],
)
def test_other_text_is_rejected_with_its_fault(text: str, fault: ChallengeFault) -> None:
    with pytest.raises(ChallengeError) as caught:
        UnlockChallenge.parse(text)
    assert caught.value.fault is fault


@given(st.text(max_size=60))
def test_any_text_is_read_or_raises_challenge_error(text: str) -> None:
    with contextlib.suppress(ChallengeError):
        challenge = UnlockChallenge.parse(text)
        assert UnlockChallenge.parse(challenge.text()) == challenge


@given(challenges)
def test_nonce_conforms_to_the_claim_of_verdicts(challenge: UnlockChallenge) -> None:
    assert NONCE_MIN <= len(challenge.eat_nonce) <= NONCE_MAX
    assert re.fullmatch(r"[A-Za-z0-9_-]{14}", challenge.eat_nonce)


@pytest.mark.parametrize(
    ("imei", "nonce"), [("123", bytes(10)), ("4901542032375x", bytes(10)), ("1" * 14, b"")]
)
def test_challenge_without_imei_or_nonce_raises_an_error(imei: str, nonce: bytes) -> None:
    with pytest.raises(ValueError, match=r"challenge"):
        UnlockChallenge(imei, nonce)


def test_representation_does_not_contain_the_imei() -> None:
    assert "49015420323751" not in repr(UnlockChallenge("49015420323751", bytes(10)))
