"""Keys of certificates are judged by their numbers before anything computes with them."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server_stub.attestation import der, public_keys
from server_stub.attestation.certificate_fields import CertificateError, oid
from server_stub.attestation.public_keys import KeyRefusedError, key_numbers, load
from tests.support.hostile_evidence import ML_DSA_65, REFUSED_KEYS, curve_spki, own_spki, rsa_spki, spki_of
from tests.support.raw_der import encode

P256, P384 = curve_spki("SECP256R1"), curve_spki("SECP384R1")
ED25519 = own_spki(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))

ALLOWED = {
    **{
        f"RSA-{bits}, exponent {e}": rsa_spki(bits, e)
        for bits in (1024, 2048, 3072, 4096)
        for e in (3, 65537)
    },
    "P-256": P256,
    "P-384": P384,
    "Ed25519": ED25519,
    "ML-DSA-65": ML_DSA_65,
}


@pytest.mark.parametrize("name", REFUSED_KEYS)
def test_refused_key_is_not_loaded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_keys, "load_der_public_key", None)
    with pytest.raises(KeyRefusedError):
        load(REFUSED_KEYS[name])


@pytest.mark.parametrize("name", ALLOWED)
def test_allowed_key_is_loaded(name: str) -> None:
    assert spki_of(load(ALLOWED[name])) == ALLOWED[name]


def test_compressed_point_is_the_same_key() -> None:
    """Without computing Y. A point with another parity is another key."""
    for number, curve, identifier in (
        (5, ec.SECP256R1(), "1.2.840.10045.3.1.7"),
        (6, ec.SECP384R1(), "1.3.132.0.34"),
    ):
        public = ec.derive_private_key(number, curve).public_key()
        point = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        algorithm = encode(
            der.SEQUENCE, encode(0x06, oid("1.2.840.10045.2.1")) + encode(0x06, oid(identifier))
        )
        for first, same in ((point[0], True), (point[0] ^ 1, False)):
            spki = encode(der.SEQUENCE, algorithm + encode(0x03, b"\0" + bytes((first,)) + point[1:]))
            assert (key_numbers(spki) == key_numbers(spki_of(public))) is same


@pytest.mark.parametrize("name", ALLOWED)
def test_each_cut_or_changed_key_is_loaded_or_refused_by_a_certificate_error(name: str) -> None:
    """Every cut, and every changed byte of the first 64 and the last 16."""
    spki = ALLOWED[name]
    changed = [
        spki[:place] + bytes((spki[place] ^ change,)) + spki[place + 1 :]
        for place in (*range(min(64, len(spki))), *range(len(spki) - 16, len(spki)))
        for change in (1, 0x80, 0xFF)
    ]
    cuts, refused = [spki[:length] for length in range(min(64, len(spki)))], set()
    for each in (*cuts, *changed):
        try:
            key_numbers(each)
            load(each)
        except CertificateError:
            refused.add(each)
    assert refused >= set(cuts)


def test_explicit_curve_parameters_are_refused() -> None:
    algorithm = encode(
        der.SEQUENCE, encode(0x06, oid("1.2.840.10045.2.1")) + encode(der.SEQUENCE, b"\x02\x01\x01")
    )
    with pytest.raises(KeyRefusedError):
        load(encode(der.SEQUENCE, algorithm + encode(0x03, b"\0\x04" + bytes(64))))
