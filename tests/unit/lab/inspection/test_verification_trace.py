"""The trace agrees with `verify` on every token and shows nothing unverified unless asked."""

import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from agent.verification.errors import RULES, Code, VerificationError
from agent.verification.keyset import KeySet
from agent.verification.verdict import verify
from lab.inspection.step_descriptions import compared, instant
from lab.inspection.verification_report import as_json, as_text
from lab.inspection.verification_trace import (
    STEPS,
    Expectations,
    VerificationStepResult,
    VerificationTrace,
    trace,
)
from tests.support import mutations, tokens
from tests.support.profiles import examples
from tests.support.tokens import ED25519, EXPECTED, KEYS, NOW, Signer, header_of, make_verdict, sign

FULL = Expectations(
    now=NOW,
    issuer=EXPECTED.issuer,
    audience=EXPECTED.audience,
    thumbprint=EXPECTED.thumbprint,
    nonce=EXPECTED.nonce,
    serial=EXPECTED.serial,
    policy_version=EXPECTED.policy_version,
)
CANARY = "canary-77d1e0"
OPTIONS = {
    "issuer": 9,
    "audience": 9,
    "thumbprint": 10,
    "nonce": 11,
    "serial": 13,
    "policy_version": 13,
}


def code_of(token: str) -> Code | None:
    try:
        verify(token, KEYS, expected=EXPECTED, now=NOW)
    except VerificationError as error:
        return error.code
    return None


def report_text(traced: VerificationTrace, token: str, *, unverified: bool = False) -> str:
    report = as_json(traced, token.encode(), KEYS, unverified=unverified)
    return in_terminal(traced, token, unverified=unverified) + str(report)


def in_terminal(traced: VerificationTrace, token: str, *, unverified: bool = False) -> str:
    console = Console(width=80, file=io.StringIO())
    with console.capture() as captured:
        console.print(as_text(traced, token.encode(), KEYS, unverified=unverified))
    return captured.get()


@settings(max_examples=examples(200))
@given(mutations.any_token())
def test_trace_and_verify_agree_on_every_token(case: tuple[Signer, str]) -> None:
    _, token = case
    traced = trace(token, KEYS, FULL)
    assert traced.code is code_of(token)
    results = [traced.result(step) for step in STEPS]
    if traced.failed_at is None:
        assert results == [VerificationStepResult.PASS] * 14
    else:
        end = traced.failed_at
        passed, failed = [VerificationStepResult.PASS] * (end - 1), [VerificationStepResult.FAIL]
        assert results == passed + failed + [VerificationStepResult.NOT_REACHED] * (14 - end)
        assert RULES[traced.code or Code.TOO_LONG][0] == end


@pytest.mark.parametrize("option", OPTIONS)
def test_a_missing_expectation_is_reported_as_not_checked_and_changes_no_other_step(option: str) -> None:
    expected = replace(FULL, **{option: None})
    wrong = {
        "issuer": {"iss": "https://other.example"},
        "audience": {"aud": "other"},
        "thumbprint": {"cnf": {"jkt": "A" * 43}},
        "nonce": {"eat_nonce": "A" * 24},
        "serial": {"serial": 1},
        "policy_version": {"policy": {"id": "a", "version": 0, "rule": "b"}},
    }
    for name, changes in wrong.items():
        traced = trace(sign(make_verdict("deny", **changes)), KEYS, expected)
        assert traced.failed_at == (None if name == option else OPTIONS[name])
    alone = list(OPTIONS.values()).count(OPTIONS[option]) == 1
    result = trace(sign(make_verdict()), KEYS, expected).result(OPTIONS[option])
    assert result is (VerificationStepResult.NOT_CHECKED if alone else VerificationStepResult.PASS)
    assert expected.missing() == (option,)


def test_without_expectations_four_steps_are_not_checked() -> None:
    traced = trace(sign(make_verdict()), KEYS, Expectations(NOW))
    unchecked = [step for step in STEPS if traced.result(step) is VerificationStepResult.NOT_CHECKED]
    assert (traced.verified, unchecked) == (True, [9, 10, 11, 13])
    assert FULL.missing() == ()


BAD_SIGNER = tokens.ed25519_signer(kid=ED25519.kid, seed=2)


@pytest.mark.parametrize(
    "token",
    [
        sign(make_verdict(case=CANARY), BAD_SIGNER),
        sign(make_verdict(), header=header_of(ED25519, kid=CANARY)),
        sign(make_verdict(), header=header_of(ED25519, typ=CANARY)),
        sign(make_verdict(), header=header_of(ED25519, alg=CANARY)),
        sign({CANARY: CANARY}),
    ],
)
def test_unverified_content_is_shown_only_on_request(token: str) -> None:
    traced = trace(token, KEYS, FULL)
    assert CANARY not in report_text(traced, token)
    assert CANARY in report_text(traced, token, unverified=True)


@pytest.mark.parametrize("changes", [{"iss": CANARY}, {"case": CANARY, "serial": 3}])
def test_the_claims_of_a_rejected_token_are_not_listed(changes: dict[str, object]) -> None:
    """Only the values that the failing step compared are shown."""
    token = sign(make_verdict("deny", **changes))
    report = as_json(trace(token, KEYS, FULL), token.encode(), KEYS, unverified=False)
    assert report["claims"] is None
    assert (CANARY in str(report)) is ("iss" in changes)


def test_every_line_with_unverified_content_is_marked() -> None:
    token = sign(make_verdict(case="x" * 200), BAD_SIGNER)
    lines = in_terminal(trace(token, KEYS, FULL), token, unverified=True).splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith("UNVERIFIED"))
    assert all(line.startswith("UNVERIFIED ") and len(line) <= 80 for line in lines[first:])
    report = as_json(trace(token, KEYS, FULL), token.encode(), KEYS, unverified=True)
    assert report["unverified"]["UNVERIFIED claims.policy.id"] == "export-2021-09"
    assert all(name.startswith("UNVERIFIED ") for name in report["unverified"])


@settings(max_examples=examples(100))
@given(mutations.any_token().map(lambda case: case[1]) | st.text(max_size=60))
def test_the_report_of_any_token_contains_no_control_characters(token: str) -> None:
    text = report_text(trace(token, KEYS, FULL), token.encode("utf-8", "replace").decode(), unverified=True)
    assert all(character.isprintable() or character == "\n" for character in text)


@pytest.mark.parametrize(
    "payload", [b"[" * 6000 + b"]" * 6000, b'{"a":' * 2000 + b"1" + b"}" * 2000, b'{"a":NaN}']
)
def test_a_payload_that_cannot_be_decoded_is_marked_as_unverified(payload: bytes) -> None:
    """Deep nesting exhausts the stack of a recursive decoder."""
    token = sign(payload)
    assert "UNVERIFIED" in report_text(trace(token, KEYS, FULL), token, unverified=True)


def test_the_description_of_a_step_contains_the_compared_values() -> None:
    token = sign(make_verdict(eat_nonce="A" * 24))
    traced = trace(token, KEYS, FULL)
    words = {step: compared(step, traced, token.encode(), KEYS) for step in STEPS}
    assert words[11] == f'eat_nonce "{"A" * 24}" with "{EXPECTED.nonce}"'
    assert words[6] == "alg Ed25519 with the one algorithm of that key"
    assert instant(NOW) == "2021-09-29T07:20:00Z"
    assert instant(2**53) == "second 9007199254740992"
    assert "empty" in compared(5, trace(token, KeySet(), FULL), token.encode(), KeySet())
