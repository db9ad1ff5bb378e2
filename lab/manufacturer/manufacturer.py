"""Solvane, the fictional manufacturer: the keys and certificates of its factory, its server and its images.

All are derived from the seed, so the same seed gives the same manufacturer. No key here protects anything real.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from lab.manufacturer.key_ceremony import Ceremony
from lab.world.seed import Seed
from server_stub.admin.tokens import FIRST_NAME, make_token
from server_stub.signing.key_material import Secrets
from server_stub.signing.signing_key import Algorithm, SigningKey

ISSUER: Final = "https://verdicts.solvane.example"
AUDIENCE: Final = "solvane-phones"

_NOT_BEFORE: Final = datetime.datetime(2018, 1, 1, tzinfo=datetime.UTC)
_ATTESTATION_ROOT: Final = "Solvane Attestation Root"
_NOT_AFTER: Final = datetime.datetime(2048, 1, 1, tzinfo=datetime.UTC)


class KeystoreLevel(StrEnum):
    """Where a device keeps its keys, by the values of a firmware profile."""

    STRONGBOX = "strongbox"
    TEE = "tee"
    SOFTWARE = "software"


@dataclass(frozen=True, slots=True)
class Authority:
    """The batch key of a factory or a software keystore, which certifies the keys of devices."""

    level: KeystoreLevel
    key: EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates after a leaf in `x5c`."""
        return (self.certificate.public_bytes(Encoding.DER),)


class Manufacturer:
    """The manufacturer of one lab.

    >>> Manufacturer(7).authority(KeystoreLevel.TEE).level
    <KeystoreLevel.TEE: 'tee'>
    """

    issuer: Final = ISSUER
    audience: Final = AUDIENCE

    def __init__(self, seed: Seed | int | str) -> None:
        self._seed = (seed if isinstance(seed, Seed) else Seed.of(seed)).child("vendor")

    @cached_property
    def attestation_root(self) -> x509.Certificate:
        """The attestation root of this manufacturer's devices; the server is configured with it."""
        return self._root("attestation root", _ATTESTATION_ROOT)

    @cached_property
    def software_root(self) -> x509.Certificate:
        """The root of software keystores. No server trusts it; the manufacturer's server recognizes it."""
        return self._root("software root", "Software Keystore Root")

    def authority(self, level: KeystoreLevel) -> Authority:
        """The batch key that certifies keys of `level`; StrongBox and TEE are under the attestation root."""
        return self._authorities[level]

    def special_authority(
        self, name: str, *extensions: x509.ExtensionType, not_after: datetime.datetime = _NOT_AFTER
    ) -> Authority:
        """A batch key below the attestation root whose certificate has `extensions`, none of them critical."""
        key, root_key = self._seed.p256(f"batch {name}"), self._seed.p256("attestation root")
        certificate = self._certify(
            _ATTESTATION_ROOT, root_key, name, key, depth=0, extensions=extensions, not_after=not_after
        )
        return Authority(KeystoreLevel.TEE, key, certificate)

    @cached_property
    def signing_key(self) -> SigningKey:
        """The key that signs verdicts: Ed25519."""
        return SigningKey.of(self._verdict_key)

    @cached_property
    def second_signing_key(self) -> SigningKey:
        """A second verdict key, ES256, published with the first."""
        return SigningKey.of(self._seed.p256("verdict key es256"))

    @cached_property
    def post_quantum_signing_key(self) -> SigningKey:
        """A third verdict key, ML-DSA-65. It is large, so it is published only if it signs."""
        return SigningKey.of(self._seed.ml_dsa_65("verdict key ml-dsa-65"))

    def verdict_key(self, algorithm: Algorithm, generation: int) -> SigningKey:
        """The verdict key of `algorithm` after `generation` rotations."""
        label = f"verdict key {algorithm} {generation}"
        if algorithm is Algorithm.ES256:
            return SigningKey.of(self._seed.p256(label))
        if algorithm is Algorithm.ML_DSA_65:
            return SigningKey.of(self._seed.ml_dsa_65(label))
        return SigningKey.of(self._seed.ed25519(label))

    @cached_property
    def admin_token(self) -> str:
        """The admin token of servers in the lab. `activation serve` creates a random one."""
        return make_token(FIRST_NAME, self._seed.bytes("admin token"))

    @cached_property
    def ceremony(self) -> Ceremony:
        """The root and online keys of the repository that publishes the verdict keys."""
        return Ceremony(self._seed)

    @cached_property
    def pinned_jwks(self) -> dict[str, object]:
        """The first JWK Set of the repository (RFC 7517): the public verdict keys."""
        return {"keys": [self.signing_key.public_jwk(), self.second_signing_key.public_jwk()]}

    @cached_property
    def secrets(self) -> Secrets:
        """The secrets of this manufacturer's verdict server."""
        return Secrets(
            signing_keys=(self.signing_key, self.second_signing_key),
            nonce_key=self._seed.bytes("nonce key"),
            identifier_key=self._seed.bytes("identifier key"),
            attestation_roots=(self.attestation_root,),
            software_roots=(self.software_root,),
        )

    def secrets_signing_by(self, algorithm: Algorithm) -> Secrets:
        """The secrets of a verdict server that signs with `algorithm`."""
        keys = self.secrets.signing_keys
        if algorithm is Algorithm.ML_DSA_65:
            keys = (*keys, self.post_quantum_signing_key)
        return replace(self.secrets, signing_keys=keys).signing_by(algorithm)

    @property
    def _verdict_key(self) -> Ed25519PrivateKey:
        return self._seed.ed25519("verdict key")

    @cached_property
    def _authorities(self) -> dict[KeystoreLevel, Authority]:
        roots = {
            KeystoreLevel.STRONGBOX: ("attestation root", self.attestation_root, "Solvane StrongBox Batch 1"),
            KeystoreLevel.TEE: ("attestation root", self.attestation_root, "Solvane TEE Batch 1"),
            KeystoreLevel.SOFTWARE: ("software root", self.software_root, "Software Keystore"),
        }
        return {
            level: self._batch(level, root_label, root, name)
            for level, (root_label, root, name) in roots.items()
        }

    def _root(self, label: str, name: str) -> x509.Certificate:
        key = self._seed.p256(label)
        return self._certify(name, key, name, key, depth=1)

    def _batch(self, level: KeystoreLevel, root_label: str, root: x509.Certificate, name: str) -> Authority:
        key = self._seed.p256(f"batch {level}")
        issuer = str(root.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
        certificate = self._certify(issuer, self._seed.p256(root_label), name, key, depth=0)
        return Authority(level, key, certificate)

    def _certify(  # noqa: PLR0913 - what a certificate consists of
        self,
        issuer: str,
        issuer_key: EllipticCurvePrivateKey,
        subject: str,
        key: EllipticCurvePrivateKey,
        *,
        depth: int,
        extensions: Iterable[x509.ExtensionType] = (),
        not_after: datetime.datetime = _NOT_AFTER,
    ) -> x509.Certificate:
        """A CA certificate with the path length `depth`."""
        builder = (
            x509.CertificateBuilder()
            .issuer_name(_name(issuer))
            .subject_name(_name(subject))
            .public_key(key.public_key())
            .serial_number(1 + self._seed.integer(f"serial {subject}", 2**64))
            .not_valid_before(_NOT_BEFORE)
            .not_valid_after(not_after)
            .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
            .add_extension(_CERTIFY_ONLY, critical=True)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(issuer_key, hashes.SHA256(), ecdsa_deterministic=True)


_CERTIFY_ONLY: Final = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
