"""The factory of Solvane, the fictional manufacturer: the attestation roots, and the batch keys that certify devices.

All are derived from the seed, so the same seed gives the same factory. No key here protects anything real.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from firmware_profiles.model import KeyStorage
from lab.world.certificates import NOT_AFTER, certificate, common_name, key_usage
from lab.world.seed import Seed

_ATTESTATION_ROOT: Final = "Solvane Attestation Root"


@dataclass(frozen=True, slots=True)
class Authority:
    """The batch key of a factory or a software keystore, which certifies the keys of devices."""

    level: KeyStorage
    key: EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates after a leaf in `x5c`."""
        return (self.certificate.public_bytes(Encoding.DER),)


class Factory:
    """The factory of the manufacturer that `seed` selects.

    >>> Factory(7).authority(KeyStorage.TEE).level
    <KeyStorage.TEE: 'tee'>
    """

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

    def authority(self, level: KeyStorage) -> Authority:
        """The batch key that certifies keys of `level`; StrongBox and TEE are under the attestation root."""
        return self._authorities[level]

    def device_authority(self, name: str, level: KeyStorage) -> Authority:
        """The key that certifies the keys of the device with this name, as with remote key provisioning.

        Keystores in software have no keys of their own: they share a batch key.
        """
        if level is KeyStorage.SOFTWARE:
            return self.authority(level)
        return replace(self.special_authority(f"Solvane Device {name}"), level=level)

    def special_authority(
        self, name: str, *extensions: x509.ExtensionType, not_after: datetime = NOT_AFTER
    ) -> Authority:
        """A batch key below the attestation root whose certificate has `extensions`, none of them critical."""
        key, root_key = self._seed.p256(f"batch {name}"), self._seed.p256("attestation root")
        issuer = common_name(_ATTESTATION_ROOT)
        made = self._certify(issuer, root_key, name, key, extensions=extensions, not_after=not_after)
        return Authority(KeyStorage.TEE, key, made)

    @cached_property
    def _authorities(self) -> dict[KeyStorage, Authority]:
        roots = {
            KeyStorage.STRONGBOX: ("attestation root", self.attestation_root, "Solvane StrongBox Batch 1"),
            KeyStorage.TEE: ("attestation root", self.attestation_root, "Solvane TEE Batch 1"),
            KeyStorage.SOFTWARE: ("software root", self.software_root, "Software Keystore"),
        }
        made = {}
        for level, (label, root, name) in roots.items():
            key = self._seed.p256(f"batch {level}")
            made[level] = Authority(
                level, key, self._certify(root.subject, self._seed.p256(label), name, key)
            )
        return made

    def _root(self, label: str, name: str) -> x509.Certificate:
        key = self._seed.p256(label)
        return self._certify(common_name(name), key, name, key, depth=1)

    def _certify(  # noqa: PLR0913 - what a certificate consists of
        self,
        issuer: x509.Name,
        issuer_key: EllipticCurvePrivateKey,
        subject: str,
        key: EllipticCurvePrivateKey,
        *,
        depth: int = 0,
        extensions: Iterable[x509.ExtensionType] = (),
        not_after: datetime = NOT_AFTER,
    ) -> x509.Certificate:
        """A CA certificate with the path length `depth`."""
        return certificate(
            common_name(subject),
            key.public_key(),
            issuer,
            issuer_key,
            serial=1 + self._seed.integer(f"serial {subject}", 2**64),
            not_after=not_after,
            critical=(x509.BasicConstraints(ca=True, path_length=depth), key_usage(5)),
            extensions=extensions,
        )
