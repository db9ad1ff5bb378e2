"""Fuzzing of the attestation parser. The first byte of an input selects the use of the rest.

| byte | the rest |
|---|---|
| `D` | the value of the key description extension, to its decoder |
| `L` | a leaf's TBSCertificate, signed by the batch key: for the chain verifier and the reader of extensions |
| `B` | the batch's TBSCertificate, signed by the root's key, above a valid leaf |
| `C` | the bytes of a certificate, above a valid leaf |
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from fuzz.fault import hold
from lab.handset.keystore import EmulatedKeystore
from lab.manufacturer.factory import KeystoreLevel
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.seed import Seed
from server_stub.attestation import der, key_description
from server_stub.attestation.appraisal import appraise
from server_stub.attestation.chain import ChainVerifier
from server_stub.attestation.key_description import KeyDescription, KeyDescriptionError
from server_stub.evidence.errors import EvidenceError
from tests.support import raw_der
from tests.support.chains import encode_description
from tests.support.server_phone import NOW, claims, facts
from wire.evidence import Evidence

_SEED: Final = Seed.of("fuzzing")
_MANUFACTURER: Final = Manufacturer(_SEED)
_ROOT: Final = _MANUFACTURER.attestation_root
_ROOT_KEY: Final = _SEED.child("vendor").p256("attestation root")
_BATCH: Final = _MANUFACTURER.authority(KeystoreLevel.STRONGBOX)
_NONCE: Final = "bm9uY2UtZm9yLWZ1enppbmc"
_LEAF: Final = EmulatedKeystore(Seed.of("phone"), _BATCH, facts()).attest(_NONCE.encode()).chain[0]
_EVIDENCE: Final = Evidence.model_validate(claims(_NONCE))

_BIT_STRING: Final = 0x03
_ALGORITHM: Final = bytes.fromhex("300a06082a8648ce3d040302")
"""AlgorithmIdentifier ecdsa-with-SHA256 (RFC 5758 section 3.2)."""

_ECDSA: Final = ECDSA(hashes.SHA256(), deterministic_signing=True)


def fuzz_one(data: bytes) -> None:
    """Run one input. Raises no error unless the parser breaks a rule."""
    kind, rest = data[:1], data[1:]
    if kind == b"L":
        _judge(_certificate(rest, _BATCH.key), *_BATCH.chain)
    elif kind == b"B":
        _judge(_LEAF, _certificate(rest, _ROOT_KEY))
    elif kind == b"C":
        _judge(_LEAF, rest)
        _judge(rest)
    else:
        with suppress(KeyDescriptionError):
            _check_description(key_description.decode(rest), rest)


def seeds() -> Iterator[bytes]:
    """The start of the search: the parts of a valid chain, and descriptions with fewer fields."""
    leaf = x509.load_der_x509_certificate(_LEAF)
    yield b"L" + leaf.tbs_certificate_bytes
    yield b"B" + _BATCH.certificate.tbs_certificate_bytes
    yield from (b"C" + each.public_bytes(Encoding.DER) for each in (leaf, _BATCH.certificate, _ROOT))
    extension = leaf.extensions.get_extension_for_oid(key_description.OID).value
    if isinstance(extension, x509.UnrecognizedExtension):
        yield b"D" + extension.value
        good = key_description.decode(extension.value)
        yield b"D" + encode_description(replace(good, hardware=good.software))


def _certificate(tbs: bytes, key: EllipticCurvePrivateKey) -> bytes:
    """A Certificate (RFC 5280 section 4.1) around any bytes, with a valid signature."""
    signature = raw_der.encode(_BIT_STRING, b"\x00" + key.sign(tbs, _ECDSA))
    return raw_der.encode(der.SEQUENCE, tbs + _ALGORITHM + signature)


def _judge(*chain: bytes) -> None:
    """Verify the path, then appraise the leaf's description, like the server."""
    try:
        path = ChainVerifier((_ROOT,)).verify(chain, NOW)
        appraisal = appraise(path, _EVIDENCE)
    except EvidenceError:
        return
    attested = appraisal.imei is not None
    hold("only an anchored chain attests a device", holds=path.anchored or not attested)


def _check_description(description: KeyDescription, extension: bytes) -> None:
    written = encode_description(description)
    lists = (description.software, description.hardware)
    canonical = not description.deviations and not any(each.unread for each in lists)
    hold("a description without deviations has one encoding", holds=not canonical or written == extension)
    # Unknown tags and what deviates are not written.
    again = key_description.decode(written)
    hold("a description can be written and read again", holds=_facts(again) == _facts(description))


def _facts(description: KeyDescription) -> KeyDescription:
    none: dict[str, Any] = {"unread": frozenset(), "unreadable": frozenset(), "deviations": frozenset()}
    return replace(
        description,
        software=replace(description.software, **none),
        hardware=replace(description.hardware, **none),
        deviations=frozenset(),
    )
