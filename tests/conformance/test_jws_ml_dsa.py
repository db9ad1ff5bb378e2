"""ML-DSA-65 compared with RFC 9964 and with jwcrypto, an independent implementation."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from agent.verification.errors import Code, VerificationError
from agent.verification.jws import verify_compact
from agent.verification.keys import MlDsa65Key
from agent.verification.keyset import KeySet
from server_stub.signing.signing_key import SigningKey
from tests.support.profiles import examples
from tests.support.tokens import KEYS, ML_DSA_65, decode, encode, make_verdict, sign
from wire import limits
from wire.media import VERDICT_TYP
from wire.verdict import Verdict

# RFC 9964 appendix A: the key of the seed of 32 zeros, and a token under it.
TOKEN = Path(__file__).with_name("jws_rfc9964_ml_dsa_65.txt").read_text(encoding="ascii").replace("\n", "")
KID = "Suiu29qbfuaBaR4Ats-c6XQBePB_OpAxAwcTR_0KXVM"
KEY = SigningKey.of(MLDSA65PrivateKey.from_seed_bytes(bytes(32)))


def code_of(token: str, keys: KeySet = KEYS, typ: str | None = VERDICT_TYP) -> Code | None:
    try:
        verify_compact(token, keys, typ=typ)
    except VerificationError as rejected:
        return rejected.code
    return None


def test_thumbprint_of_the_key_of_the_rfc() -> None:
    """A key of type AKP is identified by `alg`, `kty` and `pub` (RFC 9964 section 6)."""
    assert KEY.kid == KID


def test_token_of_the_rfc_is_verified() -> None:
    """It has no `typ`, so steps 1 to 7 apply."""
    keys = KeySet.from_jwks({"keys": [KEY.public_jwk()]})
    payload = verify_compact(TOKEN, keys, typ=None).decode()
    assert len(payload.encode()) == len(decode(TOKEN.split(".")[1]))
    assert code_of(TOKEN, keys) is Code.TYP_MISMATCH
    assert code_of(TOKEN[:-4] + "AAAA", keys, None) is Code.SIGNATURE_INVALID


def test_sizes_are_those_of_the_standard_and_a_verdict_is_below_the_limit() -> None:
    """FIPS 204 table 2. The signature has 4412 of at most 16384 characters."""
    token = sign(make_verdict(), ML_DSA_65)
    header, payload, signature = token.split(".")
    assert len(decode(ML_DSA_65.jwk()["pub"])) == MlDsa65Key.PUBLIC_KEY_LENGTH == 1952
    assert len(decode(signature)) == MlDsa65Key.SIGNATURE_LENGTH == 3309
    assert len(token) == len(header) + len(payload) + 4412 + 2 < limits.VERDICT_MAX / 2


def test_token_of_jwcrypto_is_verified() -> None:
    private = JWK(kty="AKP", alg="ML-DSA-65", pub=ML_DSA_65.jwk()["pub"], priv=encode(bytes(31) + b"\x01"))
    made = JWS(json.dumps(make_verdict()))
    made.allowed_algs = ["ML-DSA-65"]
    header = json.dumps({"alg": "ML-DSA-65", "kid": ML_DSA_65.kid, "typ": VERDICT_TYP})
    made.add_signature(private, protected=header)
    assert code_of(made.serialize(compact=True)) is None


def test_token_of_the_server_is_verified_by_jwcrypto_and_the_agent() -> None:
    verdict = Verdict.model_validate(make_verdict())
    token, jwk = KEY.sign(verdict), KEY.public_jwk()
    payload = verify_compact(token, KeySet.from_jwks({"keys": [jwk]}), typ=VERDICT_TYP)
    peer = JWS()
    peer.allowed_algs = ["ML-DSA-65"]
    peer.deserialize(token, JWK.from_json(json.dumps(jwk)))
    assert peer.payload == payload == verdict.to_wire()


@settings(max_examples=examples(60))
@given(st.integers(0, 3308), st.integers(1, 255))
def test_signature_with_any_changed_byte_is_rejected(place: int, difference: int) -> None:
    """Including the unused bytes of the hints."""
    head, _, signature = sign(make_verdict(), ML_DSA_65).rpartition(".")
    data = bytearray(decode(signature))
    data[place] ^= difference
    assert code_of(f"{head}.{encode(bytes(data))}") is Code.SIGNATURE_INVALID


@pytest.mark.parametrize("length", [0, 1, 64, 2420, 3308, 3310, 4627])
def test_signature_of_another_length_is_rejected(length: int) -> None:
    """Also of Ed25519, ML-DSA-44 and ML-DSA-87."""
    head = sign(make_verdict(), ML_DSA_65).rpartition(".")[0]
    wanted = Code.SIGNATURE_LENGTH if length else Code.SEGMENT_EMPTY
    assert code_of(f"{head}.{encode(bytes(length))}") is wanted


def test_signature_with_a_context_is_rejected() -> None:
    """RFC 9964 section 4: the context is empty."""
    assert isinstance(ML_DSA_65.private, MLDSA65PrivateKey)
    head = sign(make_verdict(), ML_DSA_65).rpartition(".")[0]
    signature = ML_DSA_65.private.sign(head.encode(), context=b"other")
    assert code_of(f"{head}.{encode(signature)}") is Code.SIGNATURE_INVALID
