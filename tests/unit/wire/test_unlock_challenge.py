"""The challenge of the lock screen: whatever a person may do to it, it is read as it was shown or not at all."""

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


def spelled(body: bytes) -> str:
    """The text of any 16 octets, with a right check sum."""
    whole = body + binascii.crc_hqx(body, 0).to_bytes(2, "big")
    return base64.b32encode(whole).decode().rstrip("=")


SPELLED_NO_IMEI = spelled(b"\xff" * 6 + bytes(10))
TYPED_AS = {"O": "Oo0", "I": "Ii1", "B": "Bb8"}


@given(challenges)
def test_what_is_shown_is_read_as_the_same(challenge: UnlockChallenge) -> None:
    """Support must see the IMEI and the nonce that the phone meant."""
    assert UnlockChallenge.parse(challenge.text()) == challenge


@given(challenges)
def test_it_is_shown_in_groups_of_five(challenge: UnlockChallenge) -> None:
    """People read groups out over the telephone."""
    assert re.fullmatch(r"([A-Z2-7]{5}-){5}[A-Z2-7]{4}", challenge.text())


@given(challenges, st.data())
def test_case_spaces_hyphens_and_look_alike_digits_are_forgiven(
    challenge: UnlockChallenge, data: st.DataObject
) -> None:
    """A person cannot tell a zero from the letter, and puts blanks where they like."""
    typed = ""
    for letter in challenge.text().replace("-", ""):
        typed += data.draw(st.sampled_from(TYPED_AS.get(letter, letter + letter.lower())))
        typed += data.draw(st.sampled_from(["", "", "", " ", "-", "\n"]))
    assert UnlockChallenge.parse(typed) == challenge


@given(challenges, st.integers(0, 28), st.sampled_from(LETTERS))
def test_any_single_wrong_character_is_refused(challenge: UnlockChallenge, at: int, letter: str) -> None:
    """A slip of one character must not become another phone's challenge."""
    letters = challenge.text().replace("-", "")
    assume(letters[at] != letter)
    with pytest.raises(ChallengeError) as caught:
        UnlockChallenge.parse(letters[:at] + letter + letters[at + 1 :])
    assert caught.value.fault in {ChallengeFault.CHECKSUM, ChallengeFault.NOT_CANONICAL}


@given(challenges, st.integers(0, 27))
def test_neighbours_that_changed_places_are_refused(challenge: UnlockChallenge, at: int) -> None:
    """The other common slip of people who type."""
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
def test_everything_else_is_refused_by_name(text: str, fault: ChallengeFault) -> None:
    """Support is told what to do: read again, or that this is no challenge at all."""
    with pytest.raises(ChallengeError) as caught:
        UnlockChallenge.parse(text)
    assert caught.value.fault is fault


@given(st.text(max_size=60))
def test_nothing_but_a_challenge_error_comes_out_of_any_text(text: str) -> None:
    """What people paste is anything."""
    with contextlib.suppress(ChallengeError):
        UnlockChallenge.parse(text)


@given(challenges)
def test_its_nonce_fits_the_contract_of_verdicts(challenge: UnlockChallenge) -> None:
    """A verdict carries it as `eat_nonce`, like the nonce of a challenge over the network."""
    assert NONCE_MIN <= len(challenge.eat_nonce) <= NONCE_MAX
    assert re.fullmatch(r"[A-Za-z0-9_-]{14}", challenge.eat_nonce)


@pytest.mark.parametrize(
    ("imei", "nonce"), [("123", bytes(10)), ("4901542032375x", bytes(10)), ("1" * 14, b"")]
)
def test_a_challenge_of_nothing_cannot_be_made(imei: str, nonce: bytes) -> None:
    """Whoever makes one without an IMEI or a nonce has made a mistake."""
    with pytest.raises(ValueError, match=r"challenge"):
        UnlockChallenge(imei, nonce)


def test_it_keeps_the_imei_out_of_its_representation() -> None:
    """Logs and tracebacks print representations."""
    assert "49015420323751" not in repr(UnlockChallenge("49015420323751", bytes(10)))
