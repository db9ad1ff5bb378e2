"""One link of a chain: whether a certificate may issue others, and whether it issued the one below."""

import datetime
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server_stub.attestation import key_description
from server_stub.attestation.reasons import ChainError, ChainProblem

_STRONG: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_CURVES: Final = frozenset({"secp256r1", "secp384r1", "secp521r1"})
_RSA_BITS_MIN: Final = 2048

_UNDERSTOOD: Final = frozenset({x509.BasicConstraints.oid, x509.KeyUsage.oid, key_description.OID})
"""Extensions that may be critical, because this package reads them."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA certificate and the parts of it that path validation uses, parsed once."""

    certificate: x509.Certificate
    key: PublicKeyTypes
    subject: x509.Name
    path_length: int | None
    not_before: datetime.datetime
    not_after: datetime.datetime


def issuer_of(certificate: x509.Certificate, place: int | None) -> Issuer:
    """`certificate` as an issuer. Raises ChainError if it may not issue certificates."""
    extensions = {extension.oid: extension.value for extension in certificate.extensions}
    basic = extensions.get(x509.BasicConstraints.oid)
    usage = extensions.get(x509.KeyUsage.oid)
    may_sign = not isinstance(usage, x509.KeyUsage) or usage.key_cert_sign
    if not isinstance(basic, x509.BasicConstraints) or not basic.ca or not may_sign:
        raise ChainError(ChainProblem.NOT_AN_ISSUER, place, "may not issue certificates")
    if key_description.OID in extensions:
        raise ChainError(
            ChainProblem.EXTENSION_MISPLACED,
            place,
            "has a key description, which only a leaf may have: an attested key signed the certificate below",
        )
    check_extensions(certificate, place)
    key = certificate.public_key()
    strong = (
        key.key_size >= _RSA_BITS_MIN
        if isinstance(key, RSAPublicKey)
        else isinstance(key, EllipticCurvePublicKey) and key.curve.name in _CURVES
    )
    if not strong:
        raise ChainError(
            ChainProblem.KEY_WEAK,
            place,
            "has a key that is neither RSA of 2048 bits or more nor on P-256, P-384 or P-521",
        )
    return Issuer(
        certificate,
        key,
        certificate.subject,
        basic.path_length,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )


def check_extensions(certificate: x509.Certificate, place: int | None) -> None:
    """Reject unknown critical extensions (RFC 5280 section 4.2). Raises ChainError."""
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise ChainError(ChainProblem.EXTENSION_UNKNOWN, place, "has an unknown critical extension")


def check_issued(certificate: x509.Certificate, issuer: Issuer, place: int) -> None:
    """Check issuer name and signature. Raises ChainError.

    EC signatures are verified with the parsed key, because `verify_directly_issued_by` would parse it again.
    """
    if certificate.issuer != issuer.subject:
        raise ChainError(
            ChainProblem.ISSUER_DIFFERS,
            place,
            "has an issuer that is not the subject of the next certificate",
        )
    algorithm = certificate.signature_hash_algorithm
    if not isinstance(algorithm, _STRONG):
        raise ChainError(
            ChainProblem.HASH_WEAK, place, "is signed with a hash that is not of the SHA-2 family"
        )
    try:
        if isinstance(issuer.key, EllipticCurvePublicKey):
            issuer.key.verify(certificate.signature, certificate.tbs_certificate_bytes, ECDSA(algorithm))
        else:
            certificate.verify_directly_issued_by(issuer.certificate)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise ChainError(
            ChainProblem.SIGNATURE_INVALID, place, "was not signed by the key of the next certificate"
        ) from error


def signed_by(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    """Whether the key of `root` signed `certificate` and the issuer's name is the root's."""
    try:
        certificate.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


@lru_cache(maxsize=64)
def spki_of(certificate: x509.Certificate) -> bytes:
    """SubjectPublicKeyInfo, DER."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
