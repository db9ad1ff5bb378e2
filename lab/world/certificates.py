"""X.509 certificates of the lab. Signatures are deterministic (RFC 6979): the same seed gives the same bytes."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

NOT_BEFORE: Final = datetime(2018, 1, 1, tzinfo=UTC)
NOT_AFTER: Final = datetime(2048, 1, 1, tzinfo=UTC)


def common_name(text: str) -> x509.Name:
    """A name that has only a common name."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def key_usage(bit: int) -> x509.KeyUsage:
    """The usage of one bit: 0 for signatures, 4 for key agreement, 5 for certificates (RFC 5280 section 4.2.1.3)."""
    return x509.KeyUsage(*(each == bit for each in range(9)))


def certificate(  # noqa: PLR0913 - what a certificate consists of
    subject: x509.Name,
    key: CertificatePublicKeyTypes,
    issuer: x509.Name,
    issuer_key: EllipticCurvePrivateKey,
    *,
    serial: int = 1,
    not_after: datetime = NOT_AFTER,
    critical: Iterable[x509.ExtensionType] = (),
    extensions: Iterable[x509.ExtensionType] = (),
) -> x509.Certificate:
    """A certificate with the `critical` extensions, and then the other ones."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .issuer_name(issuer)
        .serial_number(serial)
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(not_after)
    )
    for extension in critical:
        builder = builder.add_extension(extension, critical=True)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer_key, hashes.SHA256(), ecdsa_deterministic=True)
