"""Fuzzing of the verification of certificate chains.

A document begins with a letter that selects its form.

| letter | the rest |
|---|---|
| `C` | certificates, leaf first, each with its length before it (2 bytes, big endian) |
| `L` | a letter of `_PLACES`, and the content of that place in a leaf that the batch key signed |
| `B` | the same in the batch certificate, which the root signed, above a valid leaf |
| `O` | the same in a batch certificate that another root signed, above a valid leaf |
| `R` | the content of the key of issuers that lead to no root, and sign with RSA by their own statement |
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from firmware_profiles.model import KeyStorage
from fuzz.cost import BoundedTarget, CostBudget, repeated
from fuzz.fault import hold
from lab.handset.keystore import EmulatedKeystore
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.seed import Seed
from server_stub.attestation import der, key_description
from server_stub.attestation.certificate import ParsedCertificate
from server_stub.attestation.chain import Anchor, ChainVerifier
from server_stub.attestation.reasons import ChainError
from tests.support import raw_der
from tests.support.server_phone import NOW, facts
from wire import limits

_SEED: Final = Seed.of("fuzzing")
_MANUFACTURER: Final = Manufacturer(_SEED)
ROOT: Final = _MANUFACTURER.attestation_root
ROOT_KEY: Final = _SEED.child("vendor").p256("attestation root")
_OTHER_KEY: Final = Seed.of("another root").p256("attestation root")
BATCH: Final = _MANUFACTURER.authority(KeyStorage.STRONGBOX)
NONCE: Final = "bm9uY2UtZm9yLWZ1enppbmc"
LEAF: Final = EmulatedKeystore(Seed.of("phone"), BATCH, facts()).attest(NONCE.encode()).chain[0]
_GOOD: Final = (LEAF, *BATCH.chain)

_BIT_STRING: Final = 0x03
_ALGORITHM: Final = bytes.fromhex("300a06082a8648ce3d040302")
"""AlgorithmIdentifier ecdsa-with-SHA256 (RFC 5758 section 3.2)."""
_SHA256_WITH_RSA: Final = bytes.fromhex("06092a864886f70d01010b0500")
_ECDSA: Final = ECDSA(hashes.SHA256(), deterministic_signing=True)
_PLACES: Final = b"naivsuex"
"""Fields of a TBSCertificate (RFC 5280 section 4.1) in their order after the version: serial number, algorithm,
issuer, validity, subject, key, and the extensions; `x` is the value of a key description."""


def read(document: bytes) -> None:
    """Verify the chain. Only the configured root's signature gives hardware trust."""
    chain = _chain(document[:1], document[1:])
    verifier = ChainVerifier((ROOT,))
    try:
        path = verifier.verify(chain[: limits.CHAIN_MAX], NOW)
    except ChainError as error:
        hold("a message is short", holds=len(str(error)) <= 1_000)
        return
    again = verifier.verify(chain[: limits.CHAIN_MAX], NOW)
    hold("a chain whose issuers are known has the same path", holds=again == path)
    if path.anchor is Anchor.CONFIGURED:
        hold("only keys of the manufacturer give hardware trust", holds=_signed_by_manufacturer(path.leaf))
        hold("a chain of another root gives no hardware trust", holds=document[:1] not in (b"O", b"R"))


def _signed_by_manufacturer(leaf: ParsedCertificate) -> bool:
    for key in (BATCH.key.public_key(), ROOT_KEY.public_key()):
        with suppress(InvalidSignature):
            key.verify(leaf.signature, leaf.signed, ECDSA(hashes.SHA256()))
            return True
    return False


def _chain(form: bytes, rest: bytes) -> tuple[bytes, ...]:
    if form == b"C":
        return tuple(_split(rest)) or (b"",)
    if form == b"R":
        return rsa_chain(rest)
    place, content = rest[:1], rest[1:]
    if form == b"B":
        return LEAF, _certificate(BATCH.certificate, place, content, ROOT_KEY)
    if form == b"O":
        return LEAF, _certificate(BATCH.certificate, place, content, _OTHER_KEY), *BATCH.chain[1:]
    leaf = x509.load_der_x509_certificate(LEAF)
    return _certificate(leaf, place, content, BATCH.key), *BATCH.chain


def rsa_chain(key: bytes) -> tuple[bytes, ...]:
    """A leaf below as many issuers as fit, with one key and signatures of its length."""
    signature = b"\x00" + b"\x55" * _signature_length(key)
    chain: list[bytes] = []
    for model in (x509.load_der_x509_certificate(LEAF), *[BATCH.certificate] * (limits.CHAIN_MAX - 1)):
        fields = dict(enumerate(_fields(model.tbs_certificate_bytes)))
        fields[2] = (der.SEQUENCE, _SHA256_WITH_RSA)
        fields[3] = (
            fields[5] if chain else (der.SEQUENCE, _fields(BATCH.certificate.tbs_certificate_bytes)[5][1])
        )
        fields[6] = (der.SEQUENCE, key)
        body = raw_der.encode(der.SEQUENCE, b"".join(raw_der.encode(*field) for field in fields.values()))
        outer = raw_der.encode(der.SEQUENCE, _SHA256_WITH_RSA)
        chain.append(raw_der.encode(der.SEQUENCE, body + outer + raw_der.encode(_BIT_STRING, signature)))
    return tuple(chain)


def _signature_length(key: bytes) -> int:
    """Any other length is rejected without arithmetic (RFC 8017 section 8.2.2)."""
    try:
        public = load_der_public_key(raw_der.encode(der.SEQUENCE, key))
    except (ValueError, UnsupportedAlgorithm):
        return 256
    return public.key_size // 8 if isinstance(public, rsa.RSAPublicKey) else 256


def _split(data: bytes) -> Iterator[bytes]:
    while len(data) > 2:
        length = int.from_bytes(data[:2], "big")
        yield data[2 : 2 + length]
        data = data[2 + length :]


def _certificate(
    model: x509.Certificate, place: bytes, content: bytes, key: EllipticCurvePrivateKey
) -> bytes:
    """`model` with other content in one place, signed with `key`."""
    return certificate(_body(model.tbs_certificate_bytes, place, content), key)


def certificate(tbs: bytes, key: EllipticCurvePrivateKey) -> bytes:
    """A Certificate (RFC 5280 section 4.1) around any bytes, with a valid signature."""
    signature = raw_der.encode(_BIT_STRING, b"\x00" + key.sign(tbs, _ECDSA))
    return raw_der.encode(der.SEQUENCE, tbs + _ALGORITHM + signature)


def _body(tbs: bytes, place: bytes, content: bytes) -> bytes:
    fields = [*_fields(tbs)]
    at = _PLACES.find(place) if place else 0
    if place == b"x":
        value = raw_der.encode(0x04, content)
        name = raw_der.encode(0x06, bytes.fromhex("2b06010401d679020111"))
        content = raw_der.encode(der.SEQUENCE, raw_der.encode(der.SEQUENCE, name + value))
        at = len(_PLACES) - 2
    elif at == len(_PLACES) - 2 or at < 0:
        content = raw_der.encode(der.SEQUENCE, content)
        at = len(_PLACES) - 2
    tag, _ = fields[1 + at]
    fields[1 + at] = (tag, content)
    return raw_der.encode(der.SEQUENCE, b"".join(raw_der.encode(tag, value) for tag, value in fields))


@cache
def _fields(tbs: bytes) -> tuple[tuple[int, bytes], ...]:
    """Identifier and content of each field of a TBSCertificate of the lab: no identifier is longer than a byte."""
    found: list[tuple[int, bytes]] = []
    _, _, at, end = der.element_at(tbs, 0, set())
    while at < end:
        _, _, start, stop = der.element_at(tbs, at, set())
        found.append((tbs[at], tbs[start:stop]))
        at = stop
    return tuple(found)


def _content(element: bytes) -> bytes:
    return element[der.element_at(element, 0, set())[2] :]


fuzz_one: Final = BoundedTarget(read, CostBudget(0.005, 0.6e-6, 1_000_000, 100), (1_000, 4_000, 12_000))


def seeds() -> Iterator[bytes]:
    """A valid chain in other orders, each place of a certificate, and units of extensions, attributes and arcs."""
    for chain in (_GOOD, _GOOD[:1], _GOOD[::-1], (*_GOOD, *_GOOD), (LEAF,) * 6):
        yield b"1C" + _joined(chain)
    leaf = x509.load_der_x509_certificate(LEAF)
    for number, (_, content) in enumerate(_fields(leaf.tbs_certificate_bytes)[1:8]):
        for form in b"LBO":
            extensions = _content(content) if number == 6 else content
            yield bytes((ord("1"), form, _PLACES[number])) + extensions
    description = leaf.extensions.get_extension_for_oid(key_description.OID).value
    if isinstance(description, x509.UnrecognizedExtension):
        yield b"1Lx" + description.value
    for modulus, exponent in ((16_384, 65_537), (3_072, (1 << 3_070) + 1), (4_096, 3)):
        yield b"1R" + _rsa_key((1 << modulus) - 1, exponent)
        yield b"1Bu" + _rsa_key((1 << modulus) - 1, exponent)
    extension = bytes.fromhex("300b0603551d0f0404030204f0")
    attribute = bytes.fromhex("310a300806035504030c0141")
    units = (
        *((bytes((form, ord("e"))), extension, b"") for form in b"LBO"),
        *((bytes((form, ord("s"))), attribute, b"") for form in b"LBO"),
        (b"Li", attribute, b""),
        (b"Ln", b"\x7f", b""),
        (b"La\x06", b"\x81", b"\x01"),
        (b"Lx", b"\x30\x80", b""),
        (b"Lx", b"\x02\x01\x05", b""),
        (b"Bv", b"\x17\x0d700101000000Z", b""),
        (b"C", b"\x00\x02\x30\x00", b""),
        (b"Ou", b"\x30\x03", b""),
    )
    yield from repeated(units)


def _joined(chain: tuple[bytes, ...]) -> bytes:
    return b"".join(len(each).to_bytes(2, "big") + each for each in chain)


def _rsa_key(modulus: int, exponent: int) -> bytes:
    """The content of a SubjectPublicKeyInfo."""
    key = (
        rsa.RSAPublicNumbers(exponent, modulus)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    return _content(key)
