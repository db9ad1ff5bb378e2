"""Every bound of the verifier, on its edge: the last value that passes and the first that does not."""

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


def test_a_token_of_16_kib_is_not_too_long() -> None:
    """The bound of the contract, to the character."""
    assert len(check_size_and_alphabet("A" * 16_384)) == 16_384
    assert code_of("A" * 16_385) is Code.TOO_LONG


def test_a_header_of_256_octets_is_not_too_long() -> None:
    """The bound of the contract, to the octet."""
    header = b'{"alg":"Ed25519","kid":"a"}'
    assert read_header(header + b" " * (256 - len(header))).kid == "a"
    with pytest.raises(VerificationError) as caught:
        read_header(header + b" " * (257 - len(header)))
    assert caught.value.code is Code.HEADER_TOO_LONG


def test_every_claim_at_once_is_known() -> None:
    """No decision allows them all, which is for step 14 to say and not for step 8."""
    everything = {name: value for claims in CLAIMS.values() for name, value in claims.items()}
    payload = compact(make_verdict("release", **everything))
    assert well_formed(loads(payload)).optional_claims() >= {"retry_after", "not_before_lock"}
    assert code_of(sign(payload)) is Code.DECISION_CONTRADICTORY


def test_the_mandatory_claims_alone_are_enough() -> None:
    """A release carries nothing else, and the strict reader must take it as the quick one does."""
    payload = compact(make_verdict("release"))
    assert well_formed(loads(payload)) == read_claims(payload)


def test_an_error_says_step_code_and_sentence() -> None:
    """What a log line has to go by."""
    for code, (step, sentence) in RULES.items():
        assert str(VerificationError(code)) == f"step {step}, {code.value}: {sentence}"


def test_whether_a_y_is_of_a_point_is_decided_by_the_curves_equation() -> None:
    """Held against every small y, by the root that the equation asks for (RFC 8032 section 5.1.3)."""
    p, d = edwards25519.P, edwards25519.D
    for y in range(200):
        square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
        root = pow(square, (p + 3) // 8, p)
        found = square in {root * root % p, -root * root % p}
        assert edwards25519.is_y_of_a_point(y) == found, y
