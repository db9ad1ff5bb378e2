"""The rules of unlock codes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import unlock_code
from agent.core.states import Memory, TimeAnchor
from agent.unlock_code import CodeError
from agent.verification.errors import Code, VerificationError
from agent.verification.verdict import Expected, TimeCertainty
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
    reckoning=TimeCertainty.EXACT,
)


def is_accepted(
    now: int,
    reckoning: TimeCertainty = TimeCertainty.EXACT,
    decision: Decision = Decision.ALLOW,
    **claims: object,
) -> bool:
    """Whether a code with these claims is accepted at `now`."""
    code = token(decision, **{"exp": NOW + DAY, **claims}).encode()
    expected = replace(EXPECTED, reckoning=reckoning)
    try:
        unlock_code.verify(code, keys(), expected=expected, now=now)
    except VerificationError:
        return False
    return True


@given(st.integers(0, DAY))
def test_code_is_accepted_from_its_issue_until_it_expires(late: int) -> None:
    assert is_accepted(NOW + late)
    assert is_accepted(NOW + late, TimeCertainty.AT_LEAST)


@given(st.integers(1, 10 * 366 * DAY))
def test_code_is_rejected_after_it_has_expired(late: int) -> None:
    """With a tolerance of five minutes."""
    assert not is_accepted(NOW + DAY + 299 + late)
    assert not is_accepted(NOW + DAY + 299 + late, TimeCertainty.AT_LEAST)


@given(st.integers(301, 10 * 366 * DAY))
def test_code_from_the_future_is_accepted_only_if_trusted_time_can_be_behind(early: int) -> None:
    assert not is_accepted(NOW - early)
    assert is_accepted(NOW - early, TimeCertainty.AT_LEAST)


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
            token(Decision.ALLOW).encode(), keys(), expected=replace(EXPECTED, **change), now=NOW
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
