"""The certificate and the private key with which a server speaks TLS, checked before they are used."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from text_input.files import UnusableFileError, may_be_read_by_others, read_bytes

FILE_MAX: Final = 256 * 1024
"""Longest PEM file, in bytes."""


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """The certificate of a server, and the context of connections that uses it with its key and issuers."""

    context: ssl.SSLContext
    certificate: x509.Certificate

    @classmethod
    def load(cls, certificate: Path, key: Path) -> "TlsIdentity":
        """Read both from PEM files; the certificate of the server comes first, then those of its issuers.

        Raises UnusableFileError for the file that cannot be used.
        """
        own = _own_certificate(certificate)
        _check_key(key, own)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(certificate, key)
        except (ssl.SSLError, OSError) as error:
            reason = f"with {key}: {error.strerror or error.args[-1]}"
            raise UnusableFileError(certificate, reason) from error
        return cls(context, own)

    def problem(self, now: datetime) -> str | None:
        """Why clients will reject the certificate at `now`, None if it is valid."""
        begin, end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        if now > end:
            return f"the certificate expired at {end.isoformat()}"
        if now < begin:
            return f"the certificate is not valid before {begin.isoformat()}"
        return None


def _own_certificate(file: Path) -> x509.Certificate:
    content = read_bytes(file, FILE_MAX)
    try:
        return x509.load_pem_x509_certificates(content)[0]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UnusableFileError(file, "has no certificate in PEM (BEGIN CERTIFICATE)") from error


def _check_key(file: Path, certificate: x509.Certificate) -> None:
    content = read_bytes(file, FILE_MAX)
    if may_be_read_by_others(file):
        raise UnusableFileError(file, f"can be read by others; run chmod 600 {file}")
    try:
        key = load_pem_private_key(content, None)
    except TypeError as error:
        raise UnusableFileError(file, "is encrypted; store the key without a passphrase") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UnusableFileError(file, "has no private key in PEM (BEGIN PRIVATE KEY)") from error
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise UnusableFileError(file, "is not the key of the first certificate")
