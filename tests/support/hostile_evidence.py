"""Evidence of a stranger: chains that cost much to verify, and claims that cost much to read."""

import base64
import json
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from firmware_profiles.model import KeyStorage
from lab.handset.keystore import EmulatedKey
from lab.simulation.standalone_evidence import sign_evidence
from lab.world.seed import Seed
from server_stub.attestation import der
from server_stub.attestation.certificate_fields import oid
from tests.support.chains import NOT_AFTER, NOT_BEFORE
from tests.support.raw_der import encode, encode_integer
from tests.support.server_phone import MANUFACTURER, Phone, claims
from wire import limits

SEED: Final = Seed.of("stranger")
OWN_KEY: Final = SEED.p256("own key")
ROOT: Final = MANUFACTURER.attestation_root
_AUTHORITY: Final = MANUFACTURER.authority(KeyStorage.STRONGBOX)
BATCH: Final = _AUTHORITY.chain[0]
BATCH_SUBJECT: Final = _AUTHORITY.certificate.subject.public_bytes()
ROOM: Final = 20_000
"""Bytes of claims that fit next to a short chain."""


def spki_of(key: Any) -> bytes:
    """The encoded SubjectPublicKeyInfo of a public key."""
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def own_spki(key: Any) -> bytes:
    return spki_of(key.public_key())


def rsa_spki(bits: int, exponent: int = 65537) -> bytes:
    """An RSA key with a random modulus; only its size and its exponent matter for the cost."""
    modulus = int.from_bytes(SEED.bytes(f"modulus {bits}", bits // 8), "big") | 1 << bits - 1 | 1
    return spki_of(rsa.RSAPublicNumbers(exponent, modulus).public_key())


@cache
def curve_spki(name: str) -> bytes:
    return own_spki(ec.derive_private_key(7, getattr(ec, name)()))


def name(common_name: str) -> bytes:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)]).public_bytes()


_RSA_SHA256: Final = encode(der.SEQUENCE, encode(0x06, oid("1.2.840.113549.1.1.11")) + b"\x05\x00")
_ECDSA_SHA256: Final = encode(der.SEQUENCE, encode(0x06, oid("1.2.840.10045.4.3.2")))
_CA: Final = bytes.fromhex("300f0603551d130101ff040530030101ff")
_VALIDITY: Final = encode(
    der.SEQUENCE,
    b"".join(encode(0x17, f"{each:%y%m%d%H%M%SZ}".encode()) for each in (NOT_BEFORE, NOT_AFTER)),
)


def certificate(
    spki: bytes,
    subject: bytes,
    issuer: bytes,
    *,
    signature: bytes = b"",
    extensions: bytes = _CA,
    fields: bytes = b"",
    serial: int = 1,
) -> bytes:
    """A certificate with any content. Its signature is wrong: no private key is needed to make the server compute."""
    signature = signature or b"\x30\x44" + (b"\x02\x20" + b"\x11" * 32) * 2
    algorithm = _ECDSA_SHA256 if len(signature) < 256 else _RSA_SHA256
    body = encode(
        der.SEQUENCE,
        b"\xa0\x03\x02\x01\x02" + encode_integer(serial) + algorithm + issuer + _VALIDITY + subject + spki
        + fields + encode(0xA0, encode(der.SEQUENCE, extensions), 3),
    )  # fmt: skip
    return encode(der.SEQUENCE, body + algorithm + encode(0x03, b"\x00" + signature))


def self_made(
    spki: bytes, signature_bytes: int, length: int = limits.CHAIN_MAX, *, root: bytes = b""
) -> list[bytes]:
    """A chain of `length` certificates, all with the key `spki` but the leaf. `root` is the name of all of them."""
    names = [root or name(f"c{place}") for place in range(length + 1)]
    signature = b"\x01" + b"\x11" * (signature_bytes - 1)
    keys = [own_spki(OWN_KEY), *[spki] * (length - 1)]
    return [
        certificate(key, names[place], names[place + 1], signature=signature, serial=place + 1)
        for place, key in enumerate(keys)
    ]


@cache
def below_software_root(issuers: int, curve: str = "SECP384R1") -> list[bytes]:
    """A valid chain. Anybody can make it: the key of the root of software is public."""
    root, own = MANUFACTURER.software_root, ec.derive_private_key(7, getattr(ec, curve)())
    key: ec.EllipticCurvePrivateKey = MANUFACTURER._seed.p256("software root")
    assert key.public_key() == root.public_key()
    issuer, made = root.subject, []
    for place in range(issuers + 1):
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"Own {place}")])
        public = OWN_KEY.public_key() if place == issuers else own.public_key()
        builder = x509.CertificateBuilder(issuer, subject, public, place + 1, NOT_BEFORE, NOT_AFTER)
        if place < issuers:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        made.append(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))
        issuer, key = subject, own
    return made[::-1]


def evidence(nonce: str, chain: list[bytes], payload: bytes | None = None) -> bytes:
    """Evidence that the stranger's own key signed."""
    key = EmulatedKey(OWN_KEY, tuple(chain))
    x5c = [base64.b64encode(each).decode() for each in chain]
    return sign_evidence(key, payload or json.dumps(claims(nonce)).encode(), x5c=x5c).encode()


def with_claims(nonce: str, inside: bytes) -> bytes:
    """Evidence with `inside` after the other claims."""
    payload = json.dumps(claims(nonce)).encode()[:-1] + b"," + inside + b"}"
    return evidence(nonce, _SHORT, payload)


def filled(unit: bytes) -> bytes:
    return b'"x":[' + unit * ((ROOM - 1200) // len(unit)) + b"1]"


def wrongly_signed(token: bytes) -> bytes:
    head, _, signature = token.rpartition(b".")
    return head + b"." + b"A" * 43 + signature[43:]


_SHORT: Final = self_made(own_spki(OWN_KEY), 70, 2)
_LEAF: Final = own_spki(OWN_KEY)
_ROOT_NAME: Final = ROOT.subject.public_bytes()
_EMPTY: Final = encode(der.SEQUENCE, b"")
_MANY: Final = b"\x05\x00" * 4_000


def _leaf_with(extensions: bytes) -> list[bytes]:
    return [certificate(_LEAF, name("leaf"), name("c1"), extensions=extensions), *_SHORT[1:]]


def _extension(identifier: str, value: bytes) -> bytes:
    return encode(der.SEQUENCE, encode(0x06, oid(identifier)) + encode(der.OCTET_STRING, value))


def _many_extensions() -> bytes:
    return b"".join(
        encode(der.SEQUENCE, b"\x06\x02" + bytes((0x81 + place // 100, place % 100)) + b"\x04\x00")
        for place in range(800)
    )


def _attributes(count: int) -> bytes:
    one = encode(der.SEQUENCE, bytes.fromhex("0603550403") + encode(0x0C, b"x"))
    return encode(der.SEQUENCE, encode(der.SET, one) * count)


_LONG_NAME: Final = encode(
    der.SEQUENCE,
    encode(der.SET, encode(der.SEQUENCE, bytes.fromhex("0603550403") + encode(0x14, b"\xdf " * 4000))),
)
ML_DSA_65: Final = own_spki(SEED.ml_dsa_65("issuer"))

REFUSED_KEYS: Final[dict[str, bytes]] = {
    **{f"RSA, exponent {e}": rsa_spki(2048, e) for e in (5, 17, 257, 65539, (1 << 33) + 1)},
    **{f"RSA-{bits}": rsa_spki(bits) for bits in (4104, 8192, 16384)},
    "RSA-4096, exponent of 4095 bits": rsa_spki(4096, (1 << 4095) - 1),
    **{curve: curve_spki(curve) for curve in ("SECP521R1", "SECP224R1", "SECP256K1", "BrainpoolP384R1")},
    "X25519": own_spki(x25519.X25519PrivateKey.from_private_bytes(bytes(32))),
    "Ed448": own_spki(ed448.Ed448PrivateKey.from_private_bytes(bytes(57))),
}
"""Keys, encoded, with which a server must not compute."""

CHAINS: Final[dict[str, Callable[[], list[bytes]]]] = {
    "self-made, P-256": lambda: self_made(own_spki(SEED.p256("issuer")), 70),
    "self-made, P-384": lambda: self_made(curve_spki("SECP384R1"), 102),
    "self-made, P-521": lambda: self_made(curve_spki("SECP521R1"), 137),
    "self-made, RSA-4096": lambda: self_made(rsa_spki(4096), 512),
    "self-made, RSA-4096, long exponent": lambda: self_made(rsa_spki(4096, (1 << 4095) - 1), 512, 5),
    "self-made, RSA-4096, exponent of 64 bits": lambda: self_made(rsa_spki(4096, (1 << 64) - 59), 512),
    "self-made, RSA-16384": lambda: self_made(rsa_spki(16384), 2048, 3),
    "self-made, ML-DSA-65": lambda: self_made(ML_DSA_65, 1000, 4),
    "names of the root, P-384": lambda: self_made(curve_spki("SECP384R1"), 70, root=_ROOT_NAME),
    "names of the root, P-521": lambda: self_made(curve_spki("SECP521R1"), 70, root=_ROOT_NAME),
    "names of the root, RSA-4096": lambda: self_made(rsa_spki(4096), 512, root=_ROOT_NAME),
    "names of the root, RSA-16384": lambda: self_made(rsa_spki(16384), 512, 4, root=_ROOT_NAME),
    "below the root of software, P-256": lambda: below_software_root(1, "SECP256R1"),
    "below the root of software, P-384": lambda: below_software_root(1),
    "far below the root of software, P-384": lambda: below_software_root(5),
    "genuine issuers, leaf that they did not sign": lambda: [
        certificate(_LEAF, name("leaf"), BATCH_SUBJECT), BATCH, ROOT.public_bytes(Encoding.DER)
    ],
    "genuine issuers, issuer that they did not sign": lambda: [
        *self_made(rsa_spki(4096), 70, 3)[:2],
        certificate(rsa_spki(4096), name("c2"), BATCH_SUBJECT),
        BATCH,
        ROOT.public_bytes(Encoding.DER),
    ],
    "root above issuers that it did not sign": lambda: [
        *self_made(rsa_spki(4096), 512, 4),
        certificate(rsa_spki(4096), name("c4"), _ROOT_NAME),
        ROOT.public_bytes(Encoding.DER),
    ],
    "many elements in a certificate": lambda: [
        certificate(_LEAF, name("leaf"), name("c1"), fields=_MANY), *_SHORT[1:]
    ],
    "many extensions": lambda: _leaf_with(_many_extensions()),
    "many elements in a key usage": lambda: _leaf_with(_extension("2.5.29.15", _MANY)),
    "many elements in a key description": lambda: _leaf_with(
        _extension("1.3.6.1.4.1.11129.2.1.17", encode(der.SEQUENCE, _MANY))
    ),
    "many attributes in a name": lambda: [
        certificate(_LEAF, _attributes(300), _attributes(301)), certificate(_LEAF, _attributes(302), _attributes(303))
    ],
    "long name": lambda: [certificate(_LEAF, name("x" * 60), _LONG_NAME), *_SHORT[1:]],
    "long serial number": lambda: [certificate(_LEAF, name("x"), name("y"), serial=1 << 60_000), *_SHORT[1:]],
}  # fmt: skip
"""Chains of a stranger, leaf first; the stranger has the key of the leaf."""

CLAIMS: Final[dict[str, bytes]] = {
    "deep lists": b'"x":' + b"[" * 8000 + b"]" * 8000,
    "deep objects": b'"x":' + b'{"a":' * 3000 + b"1" + b"}" * 3000,
    "many objects": filled(b"{},"),
    "many lists": filled(b"[],"),
    "many numbers": filled(b"1,"),
    "many nulls": filled(b"null,"),
    "long numbers": filled(b"9" * 4000 + b","),
    "long fractions": filled(b"1." + b"9" * 4000 + b"e-300,"),
    "many unknown members": b",".join(b'"%x":1' % place for place in range(2000)),
    "unknown members below the limit": b",".join(b'"%x":1' % place for place in range(440)),
    "many SIMs": b'"telephony":{"sims":[' + b"{}," * 400 + b"{}]}",
    "many escapes": b'"x":"' + b"\\u0041" * 3000 + b'"',
    "parts in strings": b'"x":[' + b'"\\"[,{",' * 100 + b"1]",
    "unterminated string": b'"x":"' + b'\\"' * 8000,
}

TOKENS: Final[dict[str, Callable[[str], bytes]]] = {
    **{
        f"chain: {title}": lambda nonce, make=make: evidence(nonce, make())
        for title, make in CHAINS.items()
    },
    **{
        f"claims: {title}": lambda nonce, inside=inside: with_claims(nonce, inside)
        for title, inside in CLAIMS.items()
    },
    "wrong signature": lambda nonce: wrongly_signed(Phone().evidence(nonce)),
    "only dots": lambda _: b"." * limits.TOKEN_MAX,
    "longest body": lambda _: b"A" * limits.BODY_MAX,
    "longest segment": lambda _: b"A" * (limits.TOKEN_MAX - 2) + b"..",
    "many certificates": lambda nonce: sign_evidence(
        EmulatedKey(OWN_KEY, tuple(_SHORT)), json.dumps(claims(nonce)).encode(), x5c=[""] * 3000
    ).encode(),
}  # fmt: skip
"""Evidence of a stranger by its shape, for a nonce."""
