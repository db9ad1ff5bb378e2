"""Evidence by the algorithm of the attested key: ES256, Ed25519 and ML-DSA-65."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, mldsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from joserfc.jwk import ECKey, OKPKey
from joserfc.jwk import thumbprint as library_thumbprint

from lab.handset.keystore import EmulatedKey, EmulatedKeystore, KeyAlgorithm, KeystoreOptions
from lab.world.jose import b64
from lab.world.seed import Seed
from server_stub.evidence import evidence_token
from server_stub.evidence.errors import EvidenceError
from tests.support.server_phone import Phone, claims, service, telephony
from wire import limits
from wire.codes import Decision, ProblemCode, TrustTier

NONCE = "bm9uY2Ut" * 4
SEED = Seed.of("evidence")
P256, ED25519, ML_DSA = SEED.p256("key"), SEED.ed25519("key"), SEED.ml_dsa_65("key")
SIGN: dict[str, Callable[[bytes], bytes]] = {
    "ES256": EmulatedKey(P256, ()).sign,
    "Ed25519": ED25519.sign,
    "ML-DSA-65": ML_DSA.sign,
}
PUBLIC: dict[str, PublicKeyTypes] = {
    "ES256": P256.public_key(),
    "Ed25519": ED25519.public_key(),
    "ML-DSA-65": ML_DSA.public_key(),
}


@dataclass
class PostQuantumPhone(Phone):
    """A device whose attested keys are ML-DSA-65."""

    def __post_init__(self) -> None:
        authority = self.manufacturer.authority(self.level)
        options = KeystoreOptions(KeyAlgorithm.ML_DSA_65)
        self.keystore = EmulatedKeystore(Seed.of("phone"), authority, self.boot, options)


def token(named: str, signer: str, chain: tuple[bytes, ...] = (b"any",), more: int = 0) -> bytes:
    """Evidence that names an algorithm and is signed by the key of another or the same; `more` bytes of white space."""
    header = {"alg": named, "typ": "eat+jwt", "x5c": [base64.b64encode(each).decode() for each in chain]}
    payload = json.dumps(claims(NONCE)).encode() + b" " * more
    message = b64(json.dumps(header).encode()) + b"." + b64(payload)
    return message + b"." + b64(SIGN[signer](message))


def refusal(check: Callable[[], object]) -> ProblemCode:
    with pytest.raises(EvidenceError) as caught:
        check()
    return caught.value.code


@pytest.mark.parametrize(("named", "signer", "key"), list(product(SIGN, SIGN, SIGN)))
def test_signature_verifies_only_by_the_key_that_made_it_under_its_own_name(
    named: str, signer: str, key: str
) -> None:
    read = evidence_token.read(token(named, signer))
    if named == signer == key:
        read.verify_signature(PUBLIC[key])
    else:
        code = refusal(lambda: read.verify_signature(PUBLIC[key]))
        assert code is ProblemCode.EVIDENCE_SIGNATURE_INVALID


@pytest.mark.parametrize("name", ["ML-DSA-44", "ML-DSA-87", "ml-dsa-65", "EdDSA", "none", "HS256"])
def test_other_algorithms_are_malformed(name: str) -> None:
    assert refusal(lambda: evidence_token.read(token(name, "ML-DSA-65"))) is ProblemCode.EVIDENCE_MALFORMED


def test_damaged_ml_dsa_signature_is_refused() -> None:
    whole = token("ML-DSA-65", "ML-DSA-65")
    head, _, signature = whole.rpartition(b".")
    raw = base64.urlsafe_b64decode(signature + b"==")
    damages = (raw[:-1], raw + b"\x00", bytes(3309), bytes((raw[0] ^ 1,)) + raw[1:], raw[:64], b"\x00")
    for damaged in damages:
        read = evidence_token.read(head + b"." + b64(damaged))
        code = refusal(lambda read=read: read.verify_signature(PUBLIC["ML-DSA-65"]))  # type: ignore[misc]
        assert code is ProblemCode.EVIDENCE_SIGNATURE_INVALID


def test_degenerate_ml_dsa_key_is_refused_whatever_it_signed() -> None:
    """With a zero vector t1 the equation of a signature does not contain the secret (FIPS 204 algorithm 8)."""
    key = mldsa.MLDSA65PublicKey.from_public_bytes(ML_DSA.public_key().public_bytes_raw()[:32] + bytes(1920))
    read = evidence_token.read(token("ML-DSA-65", "ML-DSA-65"))
    with pytest.raises(EvidenceError, match="degenerate"):
        read.verify_signature(key)


def test_thumbprints_agree_with_another_library() -> None:
    pub = b64(ML_DSA.public_key().public_bytes_raw()).decode()
    expected = {
        "ES256": ECKey.import_key(P256.public_key()).thumbprint(),
        "Ed25519": OKPKey.import_key(ED25519.public_key()).thumbprint(),
        "ML-DSA-65": library_thumbprint({"alg": "ML-DSA-65", "kty": "AKP", "pub": pub}),
    }
    for name, key in PUBLIC.items():
        assert evidence_token.thumbprint(key) == expected[name]
        assert len(expected[name]) == limits.THUMBPRINT_LENGTH


@pytest.mark.parametrize(
    "key",
    [
        ec.derive_private_key(7, ec.SECP384R1()).public_key(),
        mldsa.MLDSA44PrivateKey.from_seed_bytes(bytes(32)).public_key(),
        mldsa.MLDSA87PrivateKey.from_seed_bytes(bytes(32)).public_key(),
    ],
    ids=["p-384", "ml-dsa-44", "ml-dsa-87"],
)
def test_other_keys_sign_no_evidence(key: PublicKeyTypes) -> None:
    assert refusal(lambda: evidence_token.thumbprint(key)) is ProblemCode.EVIDENCE_SIGNATURE_INVALID


def test_longest_chain_with_an_ml_dsa_signature_fits_into_the_limits() -> None:
    """A leaf with an ML-DSA-65 key, five certificates of RSA-4096, and 4 KiB of claims."""
    chain = (bytes(3000), *[bytes(1500)] * (limits.CHAIN_MAX - 1))
    spare = 4096 - len(json.dumps(claims(NONCE)))
    longest = token("ML-DSA-65", "ML-DSA-65", chain, spare)
    evidence_token.read(longest).verify_signature(PUBLIC["ML-DSA-65"])
    assert len(longest) <= limits.TOKEN_MAX <= limits.BODY_MAX
    too_long = token("ML-DSA-65", "ML-DSA-65", (bytes(limits.HEADER_MAX), *chain[1:]))
    assert refusal(lambda: evidence_token.read(too_long)) is ProblemCode.EVIDENCE_MALFORMED
    assert (
        refusal(lambda: evidence_token.read(longest + b"A" * limits.TOKEN_MAX))
        is ProblemCode.EVIDENCE_MALFORMED
    )


def test_device_with_an_ml_dsa_key_is_attested_and_gets_a_verdict_for_this_key() -> None:
    server, phone = service(), PostQuantumPhone()
    nonce = server.challenge().nonce
    evidence = phone.evidence(nonce, telephony=telephony("208", home=("208", "01")))
    verdict = server.judge(evidence)[0]
    assert (verdict.decision, verdict.trust) == (Decision.ALLOW, TrustTier.AFFIRMING)
    header = json.loads(base64.urlsafe_b64decode(evidence.split(b".")[0] + b"=="))
    assert header["alg"] == "ML-DSA-65"
    same = PostQuantumPhone().keystore.attest(nonce.encode())
    assert verdict.cnf.jkt == same.thumbprint


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (("location",), "location"),
        (("last_verdict",), "last_verdict"),
        (("ueid",), "ueid"),
        (("telephony", "faults"), "telephony.faults"),
        (("telephony", "sims", 0, "spn"), "telephony.sims.0.spn"),
        (("telephony", "serving", "plmn"), "telephony.serving.plmn"),
        (("wifi", "country"), "wifi.country"),
        (("surprise",), "unknown"),
    ],
)
def test_null_is_not_an_absent_claim(path: tuple[str | int, ...], shown: str) -> None:
    content = claims(service().challenge().nonce)
    part: Any = content
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = None
    with pytest.raises(EvidenceError) as caught:
        evidence_token.read(signed(content))
    assert caught.value.code is ProblemCode.EVIDENCE_CLAIMS_INVALID
    assert str(caught.value).endswith(f"claims that break the contract: {shown}")


def test_text_with_the_word_null_is_accepted() -> None:
    assert evidence_token.read(signed(claims("A" * 44, swname="null"))).evidence.swname == "null"


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\n", "\x7f"])
def test_text_with_a_control_character_is_rejected(character: str) -> None:
    """A database may reject NUL, and a terminal obeys the others."""
    content = claims("A" * 44)
    content["telephony"]["sims"][0]["spn"] = f"Nom{character}"
    with pytest.raises(EvidenceError) as caught:
        evidence_token.read(signed(content))
    assert caught.value.code is ProblemCode.EVIDENCE_CLAIMS_INVALID


def signed(content: dict[str, Any]) -> bytes:
    """A well-formed token with these claims."""
    header, _, signature = token("ES256", "ES256").split(b".")
    return b".".join((header, b64(json.dumps(content).encode()), signature))
