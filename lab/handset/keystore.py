"""The keystore of an emulated device: keys with Android Key Attestation certificates."""

import base64
import datetime
import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.asn1 import Null, SetOf
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from firmware_profiles.model import KeyStorage
from lab.handset import key_attestation
from lab.handset.key_attestation import (
    AttestationFields,
    AuthorizationFields,
    RootOfTrustFields,
    enumerated,
)
from lab.handset.keystore_habits import KeystoreHabit, write_with
from lab.manufacturer.factory import Authority
from lab.world.certificates import common_name, key_usage
from lab.world.jose import AttestablePrivateKey, AttestablePublicKey, b64, public_members, signature
from lab.world.seed import Seed
from wire.codes import VerifiedBootState

if TYPE_CHECKING:
    from collections.abc import Callable

_ALGORITHM_EC: Final = 3
_ALGORITHM_ML_DSA: Final = 4
_DIGEST_NONE: Final = 0
_DIGEST_SHA256: Final = 4
_CURVE_P256: Final = 1
_CURVE_25519: Final = 4
_ML_DSA_65: Final = 1
"""Numbers of KeyMint's AIDL: `Algorithm`, `Digest`, `EcCurve`, `MlDsaVariant`."""

_LEVELS: Final = {
    KeyStorage.STRONGBOX: key_attestation.STRONG_BOX,
    KeyStorage.TEE: key_attestation.TRUSTED_ENVIRONMENT,
    KeyStorage.SOFTWARE: key_attestation.SOFTWARE,
}
_BOOT_STATES: Final = {
    VerifiedBootState.GREEN: 0,
    VerifiedBootState.YELLOW: 1,
    VerifiedBootState.ORANGE: 2,
    VerifiedBootState.RED: 3,
}

# The validity that Android writes: the device clock may show any time when the key is made.
_NOT_BEFORE: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_NOT_AFTER: Final = datetime.datetime(2048, 1, 1, tzinfo=datetime.UTC)


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


class KeyAlgorithm(StrEnum):
    """The algorithm of an attested key, by its JOSE name."""

    ES256 = "ES256"
    ED25519 = "Ed25519"
    ML_DSA_65 = "ML-DSA-65"


def algorithm_of(key: AttestablePublicKey) -> KeyAlgorithm:
    """The algorithm of a key. Raises ValueError for a curve other than P-256."""
    if isinstance(key, Ed25519PublicKey):
        return KeyAlgorithm.ED25519
    if isinstance(key, MLDSA65PublicKey):
        return KeyAlgorithm.ML_DSA_65
    if key.curve.name != SECP256R1.name:
        raise ValueError(f"the curve of this key is {key.curve.name}; give a P-256 key")
    return KeyAlgorithm.ES256


@dataclass(frozen=True, slots=True)
class KeystoreOptions:
    """The hardware and software of a keystore.

    `version` is that of the key description: 300 (KeyMint 3) by default, and 500 (KeyMint 5), the first with ML-DSA,
    for such keys. `habits` says how its maker deviates from DER and from the schema.
    """

    algorithm: KeyAlgorithm = KeyAlgorithm.ES256
    version: int | None = None
    habits: tuple[KeystoreHabit, ...] = ()

    @property
    def description_version(self) -> int:
        """The version, also if it is the default."""
        if self.version is not None:
            return self.version
        return 500 if self.algorithm is KeyAlgorithm.ML_DSA_65 else 300


@dataclass(frozen=True, slots=True)
class EmulatedKey:
    """A key pair with its attestation; implements `agent.ports.AttestedKey`.

    `chain` has the attestation certificates, DER, leaf first, without the root.
    """

    private: AttestablePrivateKey
    chain: tuple[bytes, ...]

    @property
    def algorithm(self) -> KeyAlgorithm:
        """Its algorithm."""
        return algorithm_of(self.private.public_key())

    @property
    def thumbprint(self) -> str:
        """RFC 7638 thumbprint: SHA-256 over the required members of the JWK in lexical order."""
        members = json.dumps(self._public_jwk(), separators=(",", ":"), sort_keys=True)
        return b64(hashlib.sha256(members.encode()).digest()).decode()

    def sign(self, message: bytes) -> bytes:
        """The JOSE signature."""
        return signature(self.private, message)

    def private_jwk(self) -> dict[str, str | list[str]]:
        """The private key as a JWK with its chain in `x5c` (RFC 7517 section 4.7). A real keystore cannot export it."""
        if isinstance(self.private, EllipticCurvePrivateKey):
            secret = self.private.private_numbers().private_value.to_bytes(32, "big")
        else:
            secret = self.private.private_bytes_raw()
        return {
            **self._public_jwk(),
            "priv" if self.algorithm is KeyAlgorithm.ML_DSA_65 else "d": b64(secret).decode(),
            "alg": self.algorithm.value,
            "x5c": [base64.b64encode(certificate).decode() for certificate in self.chain],
        }

    def _public_jwk(self) -> dict[str, str]:
        return public_members(self.private.public_key())


class EmulatedKeystore:
    """Keys of one device, certified by `authority`; implements `agent.ports.Keystore`.

    `seed` is the device's own. The same seed and the same calls give the same keys and the same certificates.
    """

    def __init__(
        self, seed: Seed, authority: Authority, facts: BootFacts, options: KeystoreOptions | None = None
    ) -> None:
        self._seed = seed.child("keystore")
        self._authority = authority
        self._options = options or KeystoreOptions()
        self._enforced = _enforced(facts, self._options).encoded()
        self._root_of_trust = f"{facts.verified_boot_key.hex()} {facts.device_locked}"
        self._count = 0
        self._template = (
            x509.CertificateBuilder()
            .issuer_name(authority.certificate.subject)
            .subject_name(common_name("Android Keystore Key"))
            .serial_number(1)  # as Android writes it
            .not_valid_before(_NOT_BEFORE)
            .not_valid_after(_NOT_AFTER)
            .add_extension(key_usage(0), critical=True)
        )

    def attest(self, challenge: bytes) -> EmulatedKey:
        """A new key whose leaf certificate carries `challenge`."""
        self._count += 1
        label = f"attested key {self._count} {challenge.hex()}"
        make: dict[KeyAlgorithm, Callable[[str], AttestablePrivateKey]] = {
            KeyAlgorithm.ES256: self._seed.p256,
            KeyAlgorithm.ED25519: self._seed.ed25519,
            KeyAlgorithm.ML_DSA_65: self._seed.ml_dsa_65,
        }
        return self.attest_key(make[self._options.algorithm](label), challenge)

    def attest_key(self, key: AttestablePrivateKey, challenge: bytes) -> EmulatedKey:
        """`key`, which must be of the algorithm of the options, with its attestation."""
        return EmulatedKey(key, self.certify(key.public_key(), challenge))

    def certify(self, public_key: AttestablePublicKey, challenge: bytes) -> tuple[bytes, ...]:
        """The chain of a key of the algorithm of the options: its leaf, signed by the batch key, and those above it."""
        options = self._options
        fields = AttestationFields.of_version(
            options.description_version, _LEVELS[self._authority.level], challenge, self._enforced
        )
        leaf = (
            self._template.public_key(public_key)
            .add_extension(write_with(options.habits, fields.extension()), critical=False)
            .sign(self._authority.key, hashes.SHA256(), ecdsa_deterministic=True)
        )
        return (leaf.public_bytes(Encoding.DER), *self._authority.chain)

    def sealing_key(self) -> bytes:
        """32 bytes that never leave this device and survive a factory reset.

        They depend on the image's signing key and on the bootloader lock, as keys of Android's Keystore do: an image
        signed by another key, or on an unlocked device, gets another sealing key.
        """
        return self._seed.bytes(f"sealing key {self._root_of_trust}")


def _enforced(facts: BootFacts, options: KeystoreOptions) -> AuthorizationFields:
    """The authorizations of an attested key, which are the same for every key of the device, as of the version."""
    day = int(facts.patch_level.replace("-", ""))
    version = options.description_version
    curve = {KeyAlgorithm.ES256: _CURVE_P256, KeyAlgorithm.ED25519: _CURVE_25519}.get(options.algorithm)
    root = RootOfTrustFields(
        verified_boot_key=facts.verified_boot_key,
        device_locked=facts.device_locked,
        verified_boot_state=enumerated(_BOOT_STATES[facts.verified_boot_state]),
        verified_boot_hash=facts.verified_boot_hash if version >= 3 else None,
    )
    fields = AuthorizationFields(
        purposes=SetOf([key_attestation.PURPOSE_SIGN]),
        algorithm=_ALGORITHM_EC if curve else _ALGORITHM_ML_DSA,
        key_size=256 if curve else None,
        digests=SetOf([_DIGEST_SHA256 if curve == _CURVE_P256 else _DIGEST_NONE]),
        ec_curve=curve,
        ml_dsa_variant=None if curve else _ML_DSA_65,
        no_auth_required=Null(),
        origin=key_attestation.ORIGIN_GENERATED,
        root_of_trust=root,
        os_version=facts.os_version,
        os_patch_level=day // 100,
    )
    if version >= 2:
        fields.brand, fields.device = facts.brand.encode(), facts.device.encode()
        fields.product, fields.manufacturer = facts.product.encode(), facts.manufacturer.encode()
        fields.model = facts.model.encode()
        fields.imei = facts.imeis[0].encode() if facts.imeis else None
    if version >= 3:
        fields.vendor_patch_level = fields.boot_patch_level = day
    if version >= 300 and len(facts.imeis) > 1:
        fields.second_imei = facts.imeis[1].encode()
    return fields
