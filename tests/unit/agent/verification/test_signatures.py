"""Step 7 for each algorithm: the form and the verification of signatures."""

import pytest

from agent.verification.errors import Code, VerificationError
from agent.verification.keys import KeyRejection, read
from agent.verification.verdict import verify
from tests.support.tokens import (
    ES256,
    EXPECTED,
    KEYS,
    ML_DSA_65,
    NOW,
    SIGNERS,
    Signer,
    decode,
    encode,
    make_verdict,
    sign,
)

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""As SP 800-186 section 3.2.1.3 prints it."""

by_algorithm = pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.alg)


def code_with(signer: Signer, signature: bytes) -> Code:
    """The code for a verdict of `signer` with another signature."""
    signed = sign(make_verdict(), signer).rpartition(".")[0]
    with pytest.raises(VerificationError) as caught:
        verify(f"{signed}.{encode(signature)}", KEYS, expected=EXPECTED, now=NOW)
    return caught.value.code


def signature_of(signer: Signer) -> bytes:
    return decode(sign(make_verdict(), signer).rpartition(".")[2])


@by_algorithm
def test_signature_of_another_length_is_rejected(signer: Signer) -> None:
    valid = signature_of(signer)
    for other in (valid[:-1], valid + b"\0", b"\0", valid * 2):
        assert code_with(signer, other) is Code.SIGNATURE_LENGTH


@by_algorithm
def test_signature_over_other_data_is_invalid(signer: Signer) -> None:
    assert code_with(signer, signer.sign(b"something else")) is Code.SIGNATURE_INVALID


@by_algorithm
def test_valid_signature_is_accepted(signer: Signer) -> None:
    assert verify(sign(make_verdict(), signer), KEYS, expected=EXPECTED, now=NOW).decision == "deny"


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("number", [0, P256_ORDER, P256_ORDER + 1, 2**256 - 1])
def test_r_and_s_must_be_between_zero_and_the_order(place: int, number: int) -> None:
    """FIPS 186-5 section 6.4.2."""
    valid = signature_of(ES256)
    numbers = [valid[:32], valid[32:]]
    numbers[place] = number.to_bytes(32, "big")
    assert code_with(ES256, b"".join(numbers)) is Code.SIGNATURE_RANGE


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("number", [1, P256_ORDER - 1])
def test_smallest_and_largest_number_are_in_range(place: int, number: int) -> None:
    """They are rejected as invalid signatures."""
    valid = signature_of(ES256)
    numbers = [valid[:32], valid[32:]]
    numbers[place] = number.to_bytes(32, "big")
    assert code_with(ES256, b"".join(numbers)) is Code.SIGNATURE_INVALID


@pytest.mark.parametrize(("place", "degenerate"), [(31, True), (32, False), (1951, False)])
def test_ml_dsa_key_needs_a_byte_of_its_vector_that_is_not_zero(place: int, degenerate: object) -> None:
    """The seed of the matrix is the first 32 bytes and not part of the vector."""
    data = bytearray(1952)
    data[place] = 1
    found = read("a", ML_DSA_65.jwk(pub=encode(bytes(data))))
    assert (found is KeyRejection.PUBLIC_KEY_DEGENERATE) is degenerate
