"""The keystore of an emulated phone: keys with Android Key Attestation certificates.

A leaf is written from a template and not by `cryptography.x509.CertificateBuilder`, which costs as much as
the signature again; a test holds both equal, octet by octet.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.manufacturer.manufacturer import Authority, KeystoreLevel
from lab.world.seed import Seed
from server_stub.attestation import der, key_description
from server_stub.attestation.key_description import (
    AuthorizationList,
    KeyDescription,
    RootOfTrust,
    SecurityLevel,
)
from wire.codes import VerifiedBootState

_ATTESTATION_VERSION: Final = 300
"""KeyMint 3."""

_ALGORITHM_EC: Final = 3
_DIGEST_SHA256: Final = 4
_CURVE_P256: Final = 1

_BIT_STRING: Final = 0x03

_LEVELS: Final = {
    KeystoreLevel.STRONGBOX: SecurityLevel.STRONG_BOX,
    KeystoreLevel.TEE: SecurityLevel.TRUSTED_ENVIRONMENT,
    KeystoreLevel.SOFTWARE: SecurityLevel.SOFTWARE,
}

# RFC 6979: the same seed makes the same octets, certificates and tokens included.
_ECDSA: Final = ECDSA(hashes.SHA256(), deterministic_signing=True)

# AlgorithmIdentifier ecdsa-with-SHA256, 1.2.840.10045.4.3.2 (RFC 5758 section 3.2).
_ECDSA_SHA256: Final = bytes.fromhex("300a06082a8648ce3d040302")

# Validity of a leaf as Android writes it: 1970-01-01 to 2048-01-01, because a phone's clock may be anything.
_VALIDITY: Final = der.encode(
    der.SEQUENCE, der.encode(0x17, b"700101000000Z") + der.encode(0x17, b"480101000000Z")
)

_SUBJECT: Final = x509.Name(
    [x509.NameAttribute(x509.NameOID.COMMON_NAME, "Android Keystore Key")]
).public_bytes()

# Critical keyUsage with digitalSignature alone (RFC 5280 section 4.2.1.3).
_KEY_USAGE: Final = bytes.fromhex("300e0603551d0f0101ff040403020780")

# OBJECT IDENTIFIER 1.3.6.1.4.1.11129.2.1.17.
_EXTENSION_OID: Final = bytes.fromhex("060a2b06010401d679020111")


@dataclass(frozen=True, slots=True)
class BootFacts:
    """What the bootloader and the factory told the keystore; the operating system cannot change it.

    `os_version` is MMmmss as in 110000, `patch_level` is YYYY-MM-DD, `imeis` are of 15 digits, the first SIM
    slot's first, `verified_boot_key` and `verified_boot_hash` are of 32 octets.
    """

    verified_boot_state: VerifiedBootState
    device_locked: bool
    os_version: int
    patch_level: str
    imeis: tuple[str, ...]
    brand: str
    device: str
    product: str
    manufacturer: str
    model: str
    verified_boot_key: bytes = bytes(32)
    verified_boot_hash: bytes = bytes(32)


class EmulatedKey:
    """A key pair with its attestation; implements `agent.ports.AttestedKey`."""

    algorithm: Final = "ES256"

    def __init__(self, key: EllipticCurvePrivateKey, spki: bytes, chain: tuple[bytes, ...]) -> None:
        self._key = key
        self._point = spki[-64:]
        self._chain = chain

    @property
    def chain(self) -> tuple[bytes, ...]:
        """Attestation certificates, DER, leaf first, without the root."""
        return self._chain

    @property
    def thumbprint(self) -> str:
        """RFC 7638 thumbprint: SHA-256 over the required members of the JWK in lexical order."""
        x, y = _base64url(self._point[:32]), _base64url(self._point[32:])
        members = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'
        return _base64url(hashlib.sha256(members.encode()).digest())

    def private_jwk(self) -> dict[str, str | list[str]]:
        """The private key as a JWK with its chain in `x5c` (RFC 7517 section 4.7). No real keystore gives that away."""
        x, y, d = (
            self._point[:32],
            self._point[32:],
            self._key.private_numbers().private_value.to_bytes(32, "big"),
        )
        chain = [base64.b64encode(certificate).decode() for certificate in self._chain]
        members = {"x": _base64url(x), "y": _base64url(y), "d": _base64url(d)}
        return {"kty": "EC", "crv": "P-256", **members, "alg": self.algorithm, "x5c": chain}

    def sign(self, message: bytes) -> bytes:
        """ECDSA with SHA-256 as the 64 octets R and S (RFC 7518 section 3.4)."""
        r, s = decode_dss_signature(self._key.sign(message, _ECDSA))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class EmulatedKeystore:
    """Keys of one phone, certified by `authority`; implements `agent.ports.Keystore`.

    `seed` is the phone's own. The same seed and the same calls give the same keys and the same octets.
    """

    def __init__(self, seed: Seed, authority: Authority, facts: BootFacts) -> None:
        self._seed = seed.child("keystore")
        self._authority = authority
        self._description = _describe(facts, _LEVELS[authority.level])
        self._head = _head(authority)
        self._root_of_trust = f"{facts.verified_boot_key.hex()} {facts.device_locked}"
        self._count = 0

    def attest(self, challenge: bytes) -> EmulatedKey:
        """A new P-256 key whose leaf certificate carries `challenge`."""
        self._count += 1
        key = self._seed.p256(f"attested key {self._count} {challenge.hex()}")
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        leaf = self._certify(spki, challenge)
        return EmulatedKey(key, spki, (leaf, *self._authority.chain))

    def sealing_key(self) -> bytes:
        """32 octets that never leave this phone and survive a factory reset.

        They are bound to whose image runs and whether the bootloader is locked, as keys of Android's Keystore are: an
        image that others have signed, or that a hook could be in, gets another key and cannot seal for this one.
        """
        return self._seed.bytes(f"sealing key {self._root_of_trust}")

    def _certify(self, spki: bytes, challenge: bytes) -> bytes:
        """A Certificate of RFC 5280 section 4.1."""
        description = key_description.encode(self._description, challenge)
        extension = der.encode(der.SEQUENCE, _EXTENSION_OID + der.encode(der.OCTET_STRING, description))
        extensions = der.encode(der.CONTEXT, der.encode(der.SEQUENCE, _KEY_USAGE + extension), 3)
        tbs = der.encode(der.SEQUENCE, self._head + spki + extensions)
        signature = der.encode(_BIT_STRING, b"\x00" + self._authority.key.sign(tbs, _ECDSA))
        return der.encode(der.SEQUENCE, tbs + _ECDSA_SHA256 + signature)


def _head(authority: Authority) -> bytes:
    """A TBSCertificate up to the subject: version 3, serial number 1 as Android writes it."""
    version = der.encode(der.CONTEXT, der.encode_integer(2), 0)
    issuer = authority.certificate.subject.public_bytes()
    return version + der.encode_integer(1) + _ECDSA_SHA256 + issuer + _VALIDITY + _SUBJECT


def _describe(facts: BootFacts, level: SecurityLevel) -> KeyDescription:
    """Hardware enforces what it knows; a keystore in software enforces all in software."""
    enforced = _authorizations(facts)
    software = level is SecurityLevel.SOFTWARE
    return KeyDescription(
        attestation_version=_ATTESTATION_VERSION,
        attestation_level=level,
        keymint_version=_ATTESTATION_VERSION,
        keymint_level=level,
        challenge=b"",
        unique_id=b"",
        software=enforced if software else AuthorizationList(),
        hardware=AuthorizationList() if software else enforced,
    )


def _authorizations(facts: BootFacts) -> AuthorizationList:
    day = int(facts.patch_level.replace("-", ""))
    return AuthorizationList(
        purposes=frozenset({key_description.PURPOSE_SIGN}),
        algorithm=_ALGORITHM_EC,
        key_size=256,
        digests=frozenset({_DIGEST_SHA256}),
        ec_curve=_CURVE_P256,
        no_auth_required=True,
        origin=key_description.ORIGIN_GENERATED,
        root_of_trust=RootOfTrust(
            verified_boot_key=facts.verified_boot_key,
            device_locked=facts.device_locked,
            verified_boot_state=facts.verified_boot_state,
            verified_boot_hash=facts.verified_boot_hash,
        ),
        os_version=facts.os_version,
        os_patch_level=day // 100,
        brand=facts.brand,
        device=facts.device,
        product=facts.product,
        imei=facts.imeis[0] if facts.imeis else None,
        manufacturer=facts.manufacturer,
        model=facts.model,
        vendor_patch_level=day,
        boot_patch_level=day,
        second_imei=facts.imeis[1] if len(facts.imeis) > 1 else None,
    )


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
