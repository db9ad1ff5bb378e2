"""The rules of unlock codes."""

import base64
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import sealing, unlock_code
from agent.core.states import Memory, State, TimeAnchor
from agent.unlock_code import CodeError, UnlockNonces
from agent.verification.errors import Code, VerificationError
from agent.verification.verdict import Expected
from tests.support.judged import NONCE, NOW, THUMBPRINT, keys, token
from wire.codes import Decision

DAY = 86_400
MEMORY = Memory(time=TimeAnchor(NOW), imei="490154203237518", jti="verdict-1")
KEY = bytes(range(32))
EXPECTED = Expected(
    issuer="https://verdicts.example",
    audience="phones",
    thumbprint=THUMBPRINT,
    nonce=NONCE,
    serial=0,
    policy_version=0,
)


def is_accepted(floor: int, decision: Decision = Decision.ALLOW, **claims: object) -> bool:
    """Whether a code with these claims is accepted with this floor of trusted time."""
    code = token(decision, **{"exp": NOW + DAY, **claims}).encode()
    try:
        unlock_code.verify(code, keys(), expected=EXPECTED, floor=floor)
    except VerificationError:
        return False
    return True


@given(st.integers(-10 * 366 * DAY, 10 * 366 * DAY))
def test_code_is_accepted_until_it_expires(late: int) -> None:
    """With a tolerance of five minutes, and without an upper bound: the device may not know how late it is."""
    assert is_accepted(NOW + late) is (late < DAY + 300)


def test_code_with_a_longer_lifetime_than_a_verdict_is_rejected() -> None:
    assert not is_accepted(NOW, exp=NOW + DAY + 1)


@pytest.mark.parametrize("decision", Decision)
def test_verdict_that_does_not_unlock_is_rejected(decision: Decision) -> None:
    unlocks = decision in {Decision.ALLOW, Decision.NOTICE, Decision.RELEASE}
    if unlocks:
        assert is_accepted(NOW, decision=decision)
        return
    with pytest.raises(CodeError) as caught:
        is_accepted(NOW, decision=decision)
    assert caught.value.code == "not-an-unlock"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"thumbprint": "u" * 43}, Code.KEY_BINDING_MISMATCH),
        ({"nonce": "another-nonce"}, Code.NONCE_MISMATCH),
        ({"serial": 1}, Code.SERIAL_NOT_NEWER),
        ({"policy_version": 2}, Code.POLICY_ROLLED_BACK),
        ({"issuer": "https://else.example"}, Code.ISSUER_MISMATCH),
        ({"audience": "tablets"}, Code.AUDIENCE_MISMATCH),
    ],
)
def test_all_other_checks_are_those_of_a_verdict(change: dict[str, object], code: Code) -> None:
    with pytest.raises(VerificationError) as caught:
        unlock_code.verify(
            token(Decision.ALLOW).encode(), keys(), expected=replace(EXPECTED, **change), floor=NOW
        )  # type: ignore[arg-type]
    assert caught.value.code is code


def test_nonce_depends_only_on_the_device_and_its_newest_verdict() -> None:
    """Not on reboots, time and choices of the user."""
    first = unlock_code.challenge(MEMORY, KEY)
    assert first is not None
    assert first.imei14 == "49015420323751"
    assert (
        unlock_code.challenge(replace(MEMORY, boots=9, locale="fr", time=TimeAnchor(NOW + DAY)), KEY) == first
    )
    others = [
        unlock_code.challenge(replace(MEMORY, jti="verdict-2"), KEY),
        unlock_code.challenge(MEMORY, bytes(32)),
    ]
    assert {other and other.nonce for other in others}.isdisjoint({first.nonce})


@pytest.mark.parametrize("missing", ["imei", "jti"])
def test_device_without_a_verdict_has_no_challenge(missing: str) -> None:
    assert unlock_code.challenge(replace(MEMORY, **{missing: ""}), KEY) is None


jtis = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=1, max_size=64)


def encoded(nonce: bytes) -> str:
    return base64.urlsafe_b64encode(nonce).rstrip(b"=").decode()


@given(newest=jtis, earlier=jtis)
def test_nonce_of_each_earlier_verdict_is_recognized_and_the_newest_is_none(
    newest: str, earlier: str
) -> None:
    nonces = UnlockNonces(KEY)
    assert not nonces.is_earlier(encoded(nonces.of(newest)), newest)
    assert nonces.is_earlier(encoded(nonces.of(earlier)), newest) is (earlier != newest)


@given(jti=jtis, nonce=st.binary(max_size=66), other_key=st.binary(min_size=32, max_size=32))
def test_nonce_that_the_device_did_not_show_is_not_recognized(
    jti: str, nonce: bytes, other_key: bytes
) -> None:
    """Not that of another device, and not any other, as of an exchange."""
    assert not UnlockNonces(KEY).is_earlier(encoded(nonce), jti)
    assert not UnlockNonces(KEY).is_earlier(encoded(UnlockNonces(other_key).of(jti)), jti)


@pytest.mark.parametrize("length", range(8, 89))
def test_nonce_of_any_length_that_a_verdict_can_have_is_judged(length: int) -> None:
    assert not UnlockNonces(KEY).is_earlier("A" * length, "verdict-1")


def test_nonce_of_the_release_before_is_recognized_for_the_newest_verdict() -> None:
    """It used the sealing key itself, so a code for the challenge before an update has another nonce."""
    shown = hmac.digest(KEY, b"unlock codeverdict-1", "sha256")[:10]
    assert UnlockNonces(KEY).is_earlier(encoded(shown), "verdict-1")
    assert UnlockNonces(KEY).of("verdict-1") != shown


def test_key_of_nonces_is_derived_from_the_sealing_key_as_documented() -> None:
    """HKDF-SHA256 (RFC 5869), written out; the first half is of the verdict, the second of that half."""
    label = b"activation: key of unlock nonces"
    key = hmac.digest(hmac.digest(bytes(32), KEY, "sha256"), label + b"\x01", "sha256")
    first = hmac.digest(key, b"verdict verdict-1", "sha256")[:5]
    assert UnlockNonces(KEY).of("verdict-1") == first + hmac.digest(key, b"nonce " + first, "sha256")[:5]


def test_sealing_key_is_not_used_for_nonces_and_the_key_of_nonces_not_for_records() -> None:
    record = sealing.seal(State(MEMORY), KEY, 1)
    key = hmac.digest(
        hmac.digest(bytes(32), KEY, "sha256"), b"activation: key of unlock nonces\x01", "sha256"
    )
    assert sealing.unseal(record, KEY) is not None
    assert sealing.unseal(record, key) is None
    assert str(UnlockNonces(KEY)) == "UnlockNonces()"


@pytest.mark.parametrize("change", [{"thumbprint": "u" * 43}, {"nonce": "another-nonce"}])
@pytest.mark.parametrize("decision", [Decision.ALLOW, Decision.DENY])
def test_authentic_verdict_for_an_earlier_challenge_has_a_code_of_its_own(
    change: dict[str, str], decision: Decision
) -> None:
    code, expected = token(decision).encode(), replace(EXPECTED, **change)  # type: ignore[arg-type]
    asked: list[str] = []

    def is_earlier(nonce: str) -> bool:
        asked.append(nonce)
        return True

    with pytest.raises(CodeError) as caught:
        unlock_code.verify(code, keys(), expected=expected, floor=NOW, is_earlier=is_earlier)
    assert (caught.value.code, asked) == ("earlier-challenge", [NONCE])


@pytest.mark.parametrize(
    "code",
    [
        token(Decision.ALLOW, iss="https://else.example").encode(),
        token(Decision.ALLOW, aud="tablets").encode(),
        token(Decision.ALLOW).encode()[:-1],
        b"",
    ],
)
def test_nothing_is_read_of_a_token_that_is_not_authentic(code: bytes) -> None:
    def is_earlier(nonce: str) -> bool:
        raise AssertionError(nonce)

    with pytest.raises(VerificationError):
        unlock_code.verify(code, keys(), expected=EXPECTED, floor=NOW, is_earlier=is_earlier)
