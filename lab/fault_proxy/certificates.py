"""The certificates of the proxy, from a seed: an authority, a valid server certificate, and one for each TLS fault.

TLS checks them by the machine's own clock, so the expired one has expired long ago and the others are valid for long.
"""

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lab.world.certificates import NOT_AFTER, certificate, common_name
from lab.world.seed import Seed
from server_stub.faults.catalogue import FaultKind

_EXPIRED: Final = datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC)
_LOCAL_NAMES: Final = (
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("::1")),
    x509.DNSName("localhost"),
)
_WRONG_NAMES: Final = (x509.DNSName("elsewhere.example"),)
_AUTHORITY: Final = "Fault Proxy Authority"


class Certificates:
    """Keys and certificates in `folder`, which the caller deletes, for this machine and the address `host`."""

    def __init__(self, seed: Seed, folder: Path, host: str = "127.0.0.1") -> None:
        self._seed = seed
        address = x509.IPAddress(ipaddress.ip_address(host))
        self._names = tuple(dict.fromkeys((*_LOCAL_NAMES, address)))
        self._folder = folder
        self._authority_key = seed.p256("authority")
        own = self._certify(_AUTHORITY, self._authority_key, _AUTHORITY, self._authority_key)
        self.authorities = folder / "authorities.pem"
        self.authorities.write_bytes(own.public_bytes(Encoding.PEM))

    def context(self, kind: FaultKind | None) -> ssl.SSLContext:
        """A TLS context of a server with the valid certificate, or with the certificate of a fault."""
        key = self._seed.p256(f"server {kind}")
        self_signed = kind is FaultKind.TLS_FAILURE
        made = self._certify(
            *(("server", key) if self_signed else (_AUTHORITY, self._authority_key)),
            "server",
            key,
            _WRONG_NAMES if kind is FaultKind.TLS_WRONG_NAME else self._names,
            _EXPIRED if kind is FaultKind.TLS_EXPIRED else NOT_AFTER,
        )
        file = self._folder / f"{kind or 'valid'}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(private + made.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(file)
        return context

    def _certify(  # noqa: PLR0913, PLR0917 - issuer, subject, and what differs between them
        self,
        issuer: str,
        issuer_key: EllipticCurvePrivateKey,
        subject: str,
        key: EllipticCurvePrivateKey,
        names: tuple[x509.GeneralName, ...] = (),
        not_after: datetime.datetime = NOT_AFTER,
    ) -> x509.Certificate:
        """A server's certificate for `names`; without a name, the certificate of an authority."""
        extensions: list[x509.ExtensionType] = [
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
        ]
        if names:
            extensions.append(x509.SubjectAlternativeName(names))
        return certificate(
            common_name(subject),
            key.public_key(),
            common_name(issuer),
            issuer_key,
            serial=1 + self._seed.integer(f"serial {subject} {names} {not_after}", 2**64),
            not_after=not_after,
            critical=(x509.BasicConstraints(ca=not names, path_length=None),),
            extensions=extensions,
        )
