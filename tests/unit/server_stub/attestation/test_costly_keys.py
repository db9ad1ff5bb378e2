"""Keys of issuers that a stranger made to cost the server time are rejected before any signature is verified."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from fuzz import certificate_chains
from server_stub.attestation import public_keys, signature_algorithms
from server_stub.attestation.chain import ChainVerifier
from server_stub.attestation.public_keys import KeyRefusedError, key_numbers, may_certify
from server_stub.attestation.reasons import ChainError, ChainProblem
from tests.support.hostile_evidence import spki_of
from tests.support.server_phone import NOW


def rsa_key(bits: int, exponent: int) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(exponent, (1 << bits) - 1).public_key()


def curve_key(curve: ec.EllipticCurve) -> ec.EllipticCurvePublicKey:
    return ec.derive_private_key(7, curve).public_key()


@pytest.mark.parametrize(
    ("key", "cheap", "strong"),
    [
        (rsa_key(1024, 65_537), True, False),
        (rsa_key(2048, 3), True, True),
        (rsa_key(4096, 65_537), True, True),
        (rsa_key(4097, 65_537), False, False),
        (rsa_key(16_384, 3), False, False),
        (rsa_key(2048, 5), False, False),
        (rsa_key(3072, (1 << 3070) + 1), False, False),
        (curve_key(ec.SECP256R1()), True, True),
        (curve_key(ec.SECP384R1()), True, True),
        (curve_key(ec.SECP521R1()), False, False),
        (curve_key(ec.SECP256K1()), False, False),
    ],
)
def test_key_of_an_issuer_is_bounded(key: PublicKeyTypes, *, cheap: bool, strong: bool) -> None:
    if cheap:
        assert may_certify(key_numbers(spki_of(key))) is strong
        return
    with pytest.raises(KeyRefusedError):
        key_numbers(spki_of(key))


@pytest.mark.parametrize(
    "content", [seed[2:] for seed in certificate_chains.seeds() if seed[:2] == b"1R"][:2]
)
@pytest.mark.parametrize("kind", ["roots", "software_roots"])
def test_chain_of_a_costly_key_costs_no_signature(
    content: bytes, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below no root, whether the server knows roots of hardware or of software."""
    root = certificate_chains.ROOT
    verifier = ChainVerifier(**{"roots": (), kind: (root,)})
    monkeypatch.setattr(signature_algorithms, "is_signed_by", None)
    monkeypatch.setattr(public_keys, "load_der_public_key", None)
    with pytest.raises(ChainError) as caught:
        verifier.verify(certificate_chains.rsa_chain(content), NOW)
    assert (caught.value.problem, caught.value.place) == (ChainProblem.KEY_WEAK, 1)
