"""The keys that sign verdicts."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from jwcrypto.jwk import JWK

from agent.verification.keyset import KeySet
from agent.verification.verdict import verify
from server_stub.signing import Algorithm
from server_stub.signing.key_material import Secrets
from server_stub.signing.signing_key import PrivateKey, SigningKey
from tests.support.server_phone import MANUFACTURER
from tests.support.tokens import EXPECTED, NOW, make_verdict
from wire.verdict import Verdict

PRIVATE: dict[Algorithm, PrivateKey] = {
    Algorithm.ED25519: ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)),
    Algorithm.ES256: ec.derive_private_key(7, ec.SECP256R1()),
    Algorithm.ML_DSA_65: mldsa.MLDSA65PrivateKey.from_seed_bytes(bytes(32)),
}
KEYS = {algorithm: SigningKey.of(private) for algorithm, private in PRIVATE.items()}


def secrets_with(*algorithms: Algorithm) -> Secrets:
    return replace(MANUFACTURER.secrets, signing_keys=tuple(KEYS[algorithm] for algorithm in algorithms))


@pytest.mark.parametrize("algorithm", Algorithm)
def test_agent_verifies_the_signatures_of_each_algorithm(algorithm: Algorithm) -> None:
    key = KEYS[algorithm]
    keys = KeySet.from_jwks({"keys": [key.public_jwk()]})
    token = key.sign(Verdict.model_validate(make_verdict()))
    assert [found.ALG for found in keys.keys] == [algorithm]
    assert verify(token, keys, expected=EXPECTED, now=NOW).claims.serial == 7


@pytest.mark.parametrize("algorithm", Algorithm)
def test_kid_is_the_thumbprint_of_another_implementation(algorithm: Algorithm) -> None:
    """RFC 7638, and RFC 9964 section 6 for keys of type AKP."""
    jwk = KEYS[algorithm].public_jwk()
    assert jwk["kid"] == JWK(**{name: jwk[name] for name in jwk if name != "status"}).thumbprint()


@pytest.mark.parametrize("algorithm", Algorithm)
def test_public_jwk_and_repr_do_not_contain_the_secret(algorithm: Algorithm) -> None:
    key = KEYS[algorithm]
    assert not {"d", "priv", "seed"} & key.public_jwk().keys()
    assert repr(key) == f"SigningKey({algorithm}, kid={key.kid})"


def test_key_on_another_curve_is_rejected() -> None:
    with pytest.raises(ValueError, match="curve secp384r1 cannot sign verdicts"):
        SigningKey.of(ec.derive_private_key(7, ec.SECP384R1()))


@pytest.mark.parametrize("algorithm", Algorithm)
def test_chosen_algorithm_signs_and_all_keys_stay_published(algorithm: Algorithm) -> None:
    secrets = secrets_with(*Algorithm)
    chosen = secrets.signing_by(algorithm)
    assert chosen.signing_keys[0].algorithm is algorithm
    assert set(chosen.signing_keys) == set(secrets.signing_keys)


def test_algorithm_without_a_key_is_rejected_with_the_available_ones() -> None:
    with pytest.raises(
        ValueError, match=r"no signing key is of algorithm ML-DSA-65; .* keys of: ES256, Ed25519"
    ):
        secrets_with(Algorithm.ED25519, Algorithm.ES256).signing_by(Algorithm.ML_DSA_65)
