"""The examples of the RFCs, as far as the profile admits them, and the edges of both algorithms.

The examples carry neither `kid` nor, for Ed25519, a fully-specified `alg`, so their headers cannot pass here;
their keys, signing inputs and signatures can, in step 7.
"""

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from agent.verification.errors import Code, VerificationError
from agent.verification.jws import verify_compact
from agent.verification.keys import P256_ORDER
from agent.verification.keyset import KeySet
from tests.support.tokens import ED25519, ES256, KEYS, decode, encode, make_verdict, sign
from wire.media import VERDICT_TYP

ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
"""L of RFC 8032 section 5.1."""

# RFC 7515 appendix A.3
A3_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "kid": "a3",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
A3_INPUT = (
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
)
A3_SIGNATURE = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

# RFC 8037 appendices A.2 and A.4
A4_KEY = {"kty": "OKP", "crv": "Ed25519", "kid": "a4", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
A4_INPUT = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
A4_SIGNATURE = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

VECTORS = [
    pytest.param(A3_KEY, A3_INPUT, A3_SIGNATURE, id="RFC 7515 A.3"),
    pytest.param(A4_KEY, A4_INPUT, A4_SIGNATURE, id="RFC 8037 A.4"),
]


@pytest.mark.parametrize(("jwk", "signing_input", "signature"), VECTORS)
def test_signature_of_an_example_is_verified(
    jwk: dict[str, object], signing_input: str, signature: str
) -> None:
    (key,) = KeySet.from_jwks({"keys": [jwk]}).keys
    assert key.check(decode(signature), signing_input.encode()) is None
    assert key.check(decode(signature), signing_input.encode() + b"A") is Code.SIGNATURE_INVALID


@pytest.mark.parametrize(("jwk", "signing_input", "signature"), VECTORS)
def test_token_of_an_example_without_kid_is_rejected(
    jwk: dict[str, object], signing_input: str, signature: str
) -> None:
    with pytest.raises(VerificationError) as rejected:
        verify_compact(f"{signing_input}.{signature}", KeySet.from_jwks({"keys": [jwk]}), typ=None)
    assert rejected.value.code is Code.HEADER_MEMBER_MISSING


def code_of(token: str) -> Code | None:
    try:
        verify_compact(token, KEYS, typ=VERDICT_TYP)
    except VerificationError as rejected:
        return rejected.code
    return None


def replaced(token: str, signature: bytes) -> str:
    return f"{token.rpartition('.')[0]}.{encode(signature)}"


def test_ed25519_signature_with_s_not_reduced_is_rejected() -> None:
    """RFC 8032 section 5.1.7: S + L satisfies the same equation."""
    token = sign(make_verdict(), ED25519)
    signature = decode(token.rpartition(".")[2])
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    multiples = [s + n * ED25519_ORDER for n in range(1, 16)]
    assert {code_of(replaced(token, r + m.to_bytes(32, "little"))) for m in multiples if m < 2**256} == {
        Code.SIGNATURE_INVALID
    }


@pytest.mark.parametrize(
    "r",
    [
        bytes(32),
        (1).to_bytes(32, "little"),
        (2**255 - 19).to_bytes(32, "little"),
        (2**255 - 18).to_bytes(32, "little"),
        (1 | 1 << 255).to_bytes(32, "little"),
        b"\xff" * 32,
    ],
)
def test_ed25519_signature_with_a_degenerate_r_is_rejected(r: bytes) -> None:
    """R of small order or not canonical, with S = 0 and with a valid S."""
    token = sign(make_verdict(), ED25519)
    for s in (bytes(32), decode(token.rpartition(".")[2])[32:]):
        assert code_of(replaced(token, r + s)) is Code.SIGNATURE_INVALID


@pytest.mark.parametrize("r", [0, 1, P256_ORDER - 1, P256_ORDER, P256_ORDER + 1, 2**256 - 1])
@pytest.mark.parametrize("s", [0, 1, P256_ORDER - 1, P256_ORDER, P256_ORDER + 1, 2**256 - 1])
def test_es256_signature_outside_the_order_is_rejected(r: int, s: int) -> None:
    """FIPS 186-5 section 6.4.2: r and s are in [1, n - 1]."""
    forged = replaced(sign(make_verdict(), ES256), r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    within = 0 < r < P256_ORDER and 0 < s < P256_ORDER
    assert code_of(forged) is (Code.SIGNATURE_INVALID if within else Code.SIGNATURE_RANGE)


def test_es256_signature_is_accepted_with_both_values_of_s() -> None:
    """RFC 7515 accepts s and n - s. r + n is out of range."""
    token = sign(make_verdict(), ES256)
    signature = decode(token.rpartition(".")[2])
    r, s = signature[:32], int.from_bytes(signature[32:], "big")
    assert code_of(replaced(token, r + (P256_ORDER - s).to_bytes(32, "big"))) is None


def test_es256_signature_in_der_is_rejected() -> None:
    """JOSE uses the 64 bytes of R and S (RFC 7518 section 3.4)."""
    token = sign(make_verdict(), ES256)
    signature = decode(token.rpartition(".")[2])
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    assert decode_dss_signature(der)
    assert code_of(replaced(token, der)) is Code.SIGNATURE_LENGTH


def test_key_is_rejected_with_the_algorithm_of_another_key() -> None:
    """Algorithm confusion."""
    for signer, other in ((ED25519, ES256), (ES256, ED25519)):
        header = {"alg": signer.alg, "kid": other.kid, "typ": VERDICT_TYP}
        assert code_of(sign(make_verdict(), signer, header)) is Code.ALG_MISMATCH
