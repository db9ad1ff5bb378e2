"""The rules of unlock codes, apart from phones and servers."""

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


def taken(
    now: int,
    reckoning: TimeCertainty = TimeCertainty.EXACT,
    decision: Decision = Decision.ALLOW,
    **claims: object,
) -> bool:
    """Whether a code with these claims is taken at `now`."""
    code = token(decision, **{"exp": NOW + DAY, **claims}).encode()
    expected = replace(EXPECTED, reckoning=reckoning)
    try:
        unlock_code.verify(code, keys(), expected=expected, now=now)
    except VerificationError:
        return False
    return True


@given(st.integers(0, DAY))
def test_a_code_is_good_from_its_issue_to_its_end(late: int) -> None:
    """Support reads it out now; the user finds a quiet moment tonight."""
    assert taken(NOW + late)
    assert taken(NOW + late, TimeCertainty.AT_LEAST)


@given(st.integers(1, 10 * 366 * DAY))
def test_a_code_is_not_good_after_its_end(late: int) -> None:
    """Five minutes are for clocks that differ, and no more."""
    assert not taken(NOW + DAY + 299 + late)
    assert not taken(NOW + DAY + 299 + late, TimeCertainty.AT_LEAST)


@given(st.integers(301, 10 * 366 * DAY))
def test_a_code_from_the_future_is_taken_only_where_time_may_lag(early: int) -> None:
    """A phone that was off takes the time from whoever may tell it; one that knows the time does not."""
    assert not taken(NOW - early)
    assert taken(NOW - early, TimeCertainty.AT_LEAST)


def test_no_code_lives_longer_than_a_verdict_may() -> None:
    """However late it may come."""
    assert not taken(NOW, exp=NOW + DAY + 1)


@pytest.mark.parametrize("decision", Decision)
def test_what_does_not_unlock_is_no_code(decision: Decision) -> None:
    """A code can only better the phone's lot."""
    unlocks = decision in {Decision.ALLOW, Decision.NOTICE, Decision.RELEASE}
    if unlocks:
        assert taken(NOW, decision=decision)
        return
    with pytest.raises(CodeError) as caught:
        taken(NOW, decision=decision)
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
def test_every_other_expectation_holds_as_for_any_verdict(change: dict[str, object], code: Code) -> None:
    """The production verifier, with the same floors."""
    with pytest.raises(VerificationError) as caught:
        unlock_code.verify(
            token(Decision.ALLOW).encode(), keys(), expected=replace(EXPECTED, **change), now=NOW
        )  # type: ignore[arg-type]
    assert caught.value.code is code


def test_the_nonce_depends_on_the_phone_and_on_its_newest_verdict_alone() -> None:
    """It stays over reboots, time and choices of the user; another verdict or another phone has another."""
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
def test_a_phone_that_no_verdict_has_reached_asks_for_no_code(missing: str) -> None:
    """It has no lock to lift."""
    assert unlock_code.challenge(replace(MEMORY, **{missing: ""}), KEY) is None
