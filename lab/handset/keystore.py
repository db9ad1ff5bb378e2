"""The keystore of an emulated device: keys with Android Key Attestation certificates."""

import base64
import datetime
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.asn1 import Null, SetOf
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.handset import key_attestation
from lab.handset.key_attestation import (
    AttestationFields,
    AuthorizationFields,
    RootOfTrustFields,
    enumerated,
)
from lab.manufacturer.manufacturer import Authority, KeystoreLevel
from lab.world.seed import Seed
from wire.codes import VerifiedBootState

_ALGORITHM_EC: Final = 3
_DIGEST_SHA256: Final = 4
_CURVE_P256: Final = 1

_LEVELS: Final = {
    KeystoreLevel.STRONGBOX: key_attestation.STRONG_BOX,
    KeystoreLevel.TEE: key_attestation.TRUSTED_ENVIRONMENT,
    KeystoreLevel.SOFTWARE: key_attestation.SOFTWARE,
}
_BOOT_STATES: Final = {
    VerifiedBootState.GREEN: 0,
    VerifiedBootState.YELLOW: 1,
    VerifiedBootState.ORANGE: 2,
    VerifiedBootState.RED: 3,
}

# RFC 6979: the same seed gives the same bytes, including certificates and tokens.
_ECDSA: Final = ECDSA(hashes.SHA256(), deterministic_signing=True)

_SUBJECT: Final = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Android Keystore Key")])

# The validity that Android writes: the device clock may show any time when the key is made.
_NOT_BEFORE: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_NOT_AFTER: Final = datetime.datetime(2048, 1, 1, tzinfo=datetime.UTC)

_DIGITAL_SIGNATURE: Final = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, slots=True)
class BootFacts:
    """Facts from the bootloader and the factory; the operating system cannot change them.

    `os_version` is MMmmss as in 110000, `patch_level` is YYYY-MM-DD, `imeis` have 15 digits and are in the order of
    the SIM slots, `verified_boot_key` and `verified_boot_hash` have 32 bytes.
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
        """The private key as a JWK with its chain in `x5c` (RFC 7517 section 4.7). A real keystore cannot export it."""
        x, y, d = (
            self._point[:32],
            self._point[32:],
            self._key.private_numbers().private_value.to_bytes(32, "big"),
        )
        chain = [base64.b64encode(certificate).decode() for certificate in self._chain]
        members = {"x": _base64url(x), "y": _base64url(y), "d": _base64url(d)}
        return {"kty": "EC", "crv": "P-256", **members, "alg": self.algorithm, "x5c": chain}

    def sign(self, message: bytes) -> bytes:
        """ECDSA with SHA-256 as the 64 bytes R and S (RFC 7518 section 3.4)."""
        r, s = decode_dss_signature(self._key.sign(message, _ECDSA))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class EmulatedKeystore:
    """Keys of one device, certified by `authority`; implements `agent.ports.Keystore`.

    `seed` is the device's own. The same seed and the same calls give the same keys and the same bytes.
    """

    def __init__(self, seed: Seed, authority: Authority, facts: BootFacts) -> None:
        self._seed = seed.child("keystore")
        self._authority = authority
        self._enforced = _enforced(facts).encoded()
        self._root_of_trust = f"{facts.verified_boot_key.hex()} {facts.device_locked}"
        self._count = 0
        self._template = (
            x509.CertificateBuilder()
            .issuer_name(authority.certificate.subject)
            .subject_name(_SUBJECT)
            .serial_number(1)  # as Android writes it
            .not_valid_before(_NOT_BEFORE)
            .not_valid_after(_NOT_AFTER)
            .add_extension(_DIGITAL_SIGNATURE, critical=True)
        )

    def attest(self, challenge: bytes) -> EmulatedKey:
        """A new P-256 key whose leaf certificate carries `challenge`."""
        self._count += 1
        key = self._seed.p256(f"attested key {self._count} {challenge.hex()}")
        public_key = key.public_key()
        fields = AttestationFields.of_version_300(_LEVELS[self._authority.level], challenge, self._enforced)
        leaf = (
            self._template.public_key(public_key)
            .add_extension(fields.extension(), critical=False)
            .sign(self._authority.key, hashes.SHA256(), ecdsa_deterministic=True)
        )
        spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return EmulatedKey(key, spki, (leaf.public_bytes(Encoding.DER), *self._authority.chain))

    def sealing_key(self) -> bytes:
        """32 bytes that never leave this device and survive a factory reset.

        They depend on the image's signing key and on the bootloader lock, as keys of Android's Keystore do: an image
        signed by another key, or on an unlocked device, gets another sealing key.
        """
        return self._seed.bytes(f"sealing key {self._root_of_trust}")


def _enforced(facts: BootFacts) -> AuthorizationFields:
    """The authorizations of an attested key, which are the same for every key of the device."""
    day = int(facts.patch_level.replace("-", ""))
    return AuthorizationFields(
        purposes=SetOf([key_attestation.PURPOSE_SIGN]),
        algorithm=_ALGORITHM_EC,
        key_size=256,
        digests=SetOf([_DIGEST_SHA256]),
        ec_curve=_CURVE_P256,
        no_auth_required=Null(),
        origin=key_attestation.ORIGIN_GENERATED,
        root_of_trust=RootOfTrustFields(
            verified_boot_key=facts.verified_boot_key,
            device_locked=facts.device_locked,
            verified_boot_state=enumerated(_BOOT_STATES[facts.verified_boot_state]),
            verified_boot_hash=facts.verified_boot_hash,
        ),
        os_version=facts.os_version,
        os_patch_level=day // 100,
        brand=facts.brand.encode(),
        device=facts.device.encode(),
        product=facts.product.encode(),
        imei=facts.imeis[0].encode() if facts.imeis else None,
        manufacturer=facts.manufacturer.encode(),
        model=facts.model.encode(),
        vendor_patch_level=day,
        boot_patch_level=day,
        second_imei=facts.imeis[1].encode() if len(facts.imeis) > 1 else None,
    )


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
