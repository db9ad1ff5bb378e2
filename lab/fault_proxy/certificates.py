"""Certificates of the hostile network, from a seed: an authority, and servers that are what they say or are not.

TLS judges them by the machine's own clock, so what has expired did so long ago, and the rest is good for long.
"""

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lab.fault_proxy.faults import FaultKind
from lab.world.seed import Seed

_BORN: Final = datetime.datetime(2018, 1, 1, tzinfo=datetime.UTC)
_DIES: Final = datetime.datetime(2048, 1, 1, tzinfo=datetime.UTC)
_EXPIRED: Final = datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC)
_HERE: Final = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
_ELSEWHERE: Final = x509.DNSName("elsewhere.example")
_AUTHORITY: Final = "Hostile Network Authority"


class Certificates:
    """Keys and certificates in `folder`, which is the caller's to delete."""

    def __init__(self, seed: Seed, folder: Path) -> None:
        self._seed = seed
        self._folder = folder
        self._contexts: dict[FaultKind | None, ssl.SSLContext] = {}
        self._authority_key = seed.p256("authority")
        own = self._certify(_AUTHORITY, self._authority_key, _AUTHORITY, self._authority_key)
        self.authorities = folder / "authorities.pem"
        self.authorities.write_bytes(own.public_bytes(Encoding.PEM))

    def context(self, kind: FaultKind | None) -> ssl.SSLContext:
        """What a server presents: the right certificate, or the one of a fault."""
        if kind not in self._contexts:
            self._contexts[kind] = self._context(kind)
        return self._contexts[kind]

    def _context(self, kind: FaultKind | None) -> ssl.SSLContext:
        key = self._seed.p256(f"server {kind}")
        file = self._folder / f"{kind or 'right'}.pem"
        file.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + self._certificate(kind, key).public_bytes(Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(file)
        return context

    def _certificate(self, kind: FaultKind | None, key: EllipticCurvePrivateKey) -> x509.Certificate:
        if kind is FaultKind.TLS_SELF_SIGNED:
            return self._certify("server", key, "server", key, _HERE)
        name = _ELSEWHERE if kind is FaultKind.TLS_WRONG_NAME else _HERE
        dies = _EXPIRED if kind is FaultKind.TLS_EXPIRED else _DIES
        return self._certify(_AUTHORITY, self._authority_key, "server", key, name, dies)

    def _certify(  # noqa: PLR0913, PLR0917 - issuer, subject, and what differs between them
        self,
        issuer: str,
        issuer_key: EllipticCurvePrivateKey,
        subject: str,
        key: EllipticCurvePrivateKey,
        name: x509.GeneralName | None = None,
        dies: datetime.datetime = _DIES,
    ) -> x509.Certificate:
        """A server's certificate for `name`, or an authority's without one."""
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        builder = (
            x509.CertificateBuilder()
            .issuer_name(_common(issuer))
            .subject_name(_common(subject))
            .public_key(key.public_key())
            .serial_number(1 + self._seed.integer(f"serial {subject} {name} {dies}", 2**64))
            .not_valid_before(_BORN)
            .not_valid_after(dies)
            .add_extension(x509.BasicConstraints(ca=name is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(signer, critical=False)
        )
        if name is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([name]), critical=False)
        return builder.sign(issuer_key, hashes.SHA256(), ecdsa_deterministic=True)


def _common(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
