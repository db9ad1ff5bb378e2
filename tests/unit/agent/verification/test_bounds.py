"""Every bound of the verifier: the last accepted value and the first rejected one."""

from dataclasses import replace

import pytest

from agent.verification import edwards25519
from agent.verification.claims import read_claims, well_formed
from agent.verification.errors import RULES, Code, VerificationError
from agent.verification.jws import check_size_and_alphabet, read_header
from agent.verification.strict_json import loads
from agent.verification.verdict import TimeCertainty, verify
from tests.support.tokens import CLAIMS, EXPECTED, KEYS, NOW, compact, make_verdict, sign


def code_of(token: str) -> Code:
    with pytest.raises(VerificationError) as caught:
        verify(token, KEYS, expected=EXPECTED, now=NOW)
    return caught.value.code


def test_token_of_16_kib_is_accepted() -> None:
    assert len(check_size_and_alphabet("A" * 16_384)) == 16_384
    assert code_of("A" * 16_385) is Code.TOO_LONG


def test_header_of_256_bytes_is_accepted() -> None:
    header = b'{"alg":"Ed25519","kid":"a"}'
    assert read_header(header + b" " * (256 - len(header))).kid == "a"
    with pytest.raises(VerificationError) as caught:
        read_header(header + b" " * (257 - len(header)))
    assert caught.value.code is Code.HEADER_TOO_LONG


def test_all_claims_together_are_well_formed() -> None:
    """No decision permits them all, but that is step 14."""
    everything = {name: value for claims in CLAIMS.values() for name, value in claims.items()}
    payload = compact(make_verdict("release", **everything))
    assert well_formed(loads(payload)).optional_claims() >= {"retry_after", "not_before_lock"}
    assert code_of(sign(payload)) is Code.DECISION_CONTRADICTORY


def test_mandatory_claims_are_sufficient() -> None:
    payload = compact(make_verdict("release"))
    assert well_formed(loads(payload)) == read_claims(payload)


def test_error_has_step_code_and_sentence() -> None:
    for code, (step, sentence) in RULES.items():
        assert str(VerificationError(code)) == f"step {step}, {code.value}: {sentence}"


def test_y_is_of_a_point_if_the_equation_has_a_root() -> None:
    """Every small y, with the square root of RFC 8032 section 5.1.3."""
    p, d = edwards25519.P, edwards25519.D
    for y in range(200):
        square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
        root = pow(square, (p + 3) // 8, p)
        found = square in {root * root % p, -root * root % p}
        assert edwards25519.is_y_of_a_point(y) == found, y


HOUR, DAY, SKEW = 3600, 86_400, 300
TIMES: list[tuple[dict[str, int], TimeCertainty, Code | None]] = [
    ({"exp": NOW + 1}, TimeCertainty.EXACT, None),
    ({"exp": NOW}, TimeCertainty.EXACT, Code.TIMES_CONTRADICTORY),
    ({"nbf": NOW + HOUR, "exp": NOW + HOUR}, TimeCertainty.EXACT, Code.NOT_YET_VALID),
    ({"nbf": NOW + HOUR + 1, "exp": NOW + HOUR}, TimeCertainty.EXACT, Code.TIMES_CONTRADICTORY),
    ({"nbf": NOW + 200, "exp": NOW + 200}, TimeCertainty.EXACT, None),
    ({"exp": NOW + DAY}, TimeCertainty.EXACT, None),
    ({"exp": NOW + DAY + 1}, TimeCertainty.EXACT, Code.LIFETIME_TOO_LONG),
    ({"iat": NOW - 301, "nbf": NOW - 301, "exp": NOW - 299}, TimeCertainty.EXACT, Code.ISSUED_IN_PAST),
    ({"iat": NOW - 301, "nbf": NOW - 301, "exp": NOW - 300}, TimeCertainty.EXACT, Code.EXPIRED),
    ({"iat": NOW - 300, "nbf": NOW - 300, "exp": NOW - 299}, TimeCertainty.EXACT, None),
    ({"iat": NOW - 301}, TimeCertainty.EXACT, Code.ISSUED_IN_PAST),
    ({"iat": NOW - 300}, TimeCertainty.AT_LEAST, None),
    ({"iat": NOW - 301}, TimeCertainty.AT_LEAST, Code.ISSUED_IN_PAST),
    ({"iat": NOW + SKEW}, TimeCertainty.EXACT, None),
    ({"iat": NOW + SKEW + 1}, TimeCertainty.EXACT, Code.ISSUED_IN_FUTURE),
    ({"iat": NOW + SKEW + 1}, TimeCertainty.AT_LEAST, None),
    ({"nbf": NOW + SKEW}, TimeCertainty.EXACT, None),
    ({"nbf": NOW + SKEW + 1}, TimeCertainty.EXACT, Code.NOT_YET_VALID),
    ({"nbf": NOW + SKEW + 1}, TimeCertainty.AT_LEAST, Code.NOT_YET_VALID),
    ({"iat": NOW + 9, "nbf": NOW + SKEW + 9}, TimeCertainty.AT_LEAST, None),
    ({"iat": NOW + 9, "nbf": NOW + SKEW + 10}, TimeCertainty.AT_LEAST, Code.NOT_YET_VALID),
    ({"iat": NOW - 9, "nbf": NOW + SKEW}, TimeCertainty.AT_LEAST, None),
    ({"iat": NOW - 9, "nbf": NOW + SKEW + 1}, TimeCertainty.AT_LEAST, Code.NOT_YET_VALID),
]
"""Claims, how well the time is known, and why the verdict is rejected."""


@pytest.mark.parametrize(("times", "reckoning", "code"), TIMES)
def test_times_are_bounded_to_the_second(
    times: dict[str, int], reckoning: TimeCertainty, code: Code | None
) -> None:
    """A tolerance of 300 s and a lifetime of a day, on both sides of each limit."""
    token = sign(make_verdict("deny", **times))
    expected = replace(EXPECTED, reckoning=reckoning)
    if code is None:
        assert verify(token, KEYS, expected=expected, now=NOW).claims.iat == times.get("iat", NOW)
        return
    with pytest.raises(VerificationError) as caught:
        verify(token, KEYS, expected=expected, now=NOW)
    assert caught.value.code is code


@pytest.mark.parametrize(
    ("sealed", "code"),
    [
        ({"serial": 6}, None),
        ({"serial": 7}, Code.SERIAL_NOT_NEWER),
        ({"serial": 8}, Code.SERIAL_NOT_NEWER),
        ({"policy_version": 3}, None),
        ({"policy_version": 4}, Code.POLICY_ROLLED_BACK),
    ],
)
def test_serial_must_increase_and_policy_must_not_decrease(sealed: dict[str, int], code: Code | None) -> None:
    expected = replace(
        EXPECTED, serial=sealed.get("serial", 6), policy_version=sealed.get("policy_version", 3)
    )
    token = sign(make_verdict())
    if code is None:
        assert verify(token, KEYS, expected=expected, now=NOW).claims.serial == 7
        return
    with pytest.raises(VerificationError) as caught:
        verify(token, KEYS, expected=expected, now=NOW)
    assert caught.value.code is code


@pytest.mark.parametrize(("lock_at", "code"), [(NOW, None), (NOW - 1, Code.LOCK_BEFORE_ISSUE)])
def test_announced_lock_must_not_be_before_the_issue(lock_at: int, code: Code | None) -> None:
    token = sign(make_verdict("notice", not_before_lock=lock_at))
    if code is None:
        assert verify(token, KEYS, expected=EXPECTED, now=NOW).claims.not_before_lock == lock_at
    else:
        assert code_of(token) is code
