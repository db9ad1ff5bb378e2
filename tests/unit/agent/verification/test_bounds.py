"""Every bound of the verifier: the last accepted value and the first rejected one."""

from dataclasses import replace

import pytest

from agent.verification import edwards25519
from agent.verification.claims import read_claims, well_formed
from agent.verification.errors import RULES, Code, VerificationError
from agent.verification.jws import check_size_and_alphabet, read_header
from agent.verification.strict_json import loads
from agent.verification.verdict import verify
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


HOUR, DAY = 3600, 86_400
PAST, LATEST = NOW - DAY, NOW + 2 * HOUR
TIMES: list[tuple[dict[str, int], Code | None]] = [
    ({"exp": NOW + 1}, None),
    ({"exp": NOW}, Code.TIMES_CONTRADICTORY),
    ({"nbf": NOW + HOUR, "exp": NOW + HOUR}, None),
    ({"nbf": NOW + HOUR + 1, "exp": NOW + HOUR}, Code.TIMES_CONTRADICTORY),
    ({"exp": NOW + DAY}, None),
    ({"exp": NOW + DAY + 1}, Code.LIFETIME_TOO_LONG),
    ({"iat": PAST, "nbf": PAST, "exp": PAST + 1}, None),
    ({"iat": PAST - 1, "nbf": PAST - 1, "exp": PAST + 1}, Code.ISSUED_IN_PAST),
    ({"iat": PAST - 1, "nbf": PAST - 1, "exp": PAST}, Code.EXPIRED),
    ({"iat": LATEST, "nbf": LATEST, "exp": LATEST + DAY}, None),
    ({"iat": LATEST + 1, "nbf": LATEST, "exp": LATEST + DAY}, Code.ISSUED_AFTER_TIMESTAMP),
    ({"nbf": LATEST, "exp": NOW + DAY}, None),
    ({"nbf": LATEST + 1, "exp": NOW + DAY}, Code.NOT_YET_VALID),
]
"""Claims, and why the verdict is rejected if the floor is `NOW` and the ceiling `LATEST`."""
UPPER = {Code.ISSUED_AFTER_TIMESTAMP, Code.NOT_YET_VALID}


@pytest.mark.parametrize(("times", "code"), TIMES)
def test_times_are_bounded_to_the_second(times: dict[str, int], code: Code | None) -> None:
    """A lifetime of a day, and the bounds of the time, on both sides of each limit; also without a ceiling."""
    token = sign(make_verdict("deny", **times))
    for latest, wanted in ((LATEST, code), (None, None if code in UPPER else code)):
        if wanted is None:
            verdict = verify(token, KEYS, expected=EXPECTED, now=NOW, latest=latest)
            assert verdict.claims.iat == times.get("iat", NOW)
            continue
        with pytest.raises(VerificationError) as caught:
            verify(token, KEYS, expected=EXPECTED, now=NOW, latest=latest)
        assert caught.value.code is wanted


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
