"""One link of a chain: may this certificate issue, and did it issue that one?"""

import datetime
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server_stub.attestation import key_description
from server_stub.attestation.chain_problems import ChainError, ChainProblem

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

_STRONG: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_CURVES: Final = frozenset({"secp256r1", "secp384r1", "secp521r1"})
_RSA_BITS_MIN: Final = 2048

_UNDERSTOOD: Final = frozenset({x509.BasicConstraints.oid, x509.KeyUsage.oid, key_description.OID})
"""Extensions that a certificate may mark critical, because they are read here."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA certificate, taken apart once."""

    certificate: x509.Certificate
    key: PublicKeyTypes
    subject: x509.Name
    path_length: int | None
    not_before: datetime.datetime
    not_after: datetime.datetime


def issuer_of(certificate: x509.Certificate, place: int | None) -> Issuer:
    """`certificate` as an issuer. Raises ChainError where it may not be one."""
    basic = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    if basic is None or not basic.ca or (usage is not None and not usage.key_cert_sign):
        raise ChainError(ChainProblem.NOT_AN_ISSUER, place, "may not issue certificates")
    if _extension_by_oid(certificate, key_description.OID):
        raise ChainError(
            ChainProblem.EXTENSION_MISPLACED,
            place,
            "carries a key description, which belongs in the leaf alone: an attested key signed what is below it",
        )
    check_extensions(certificate, place)
    return Issuer(
        certificate,
        _strong_key(certificate.public_key(), place),
        certificate.subject,
        basic.path_length,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )


def check_extensions(certificate: x509.Certificate, place: int | None) -> None:
    """RFC 5280 section 4.2: a critical extension that is not understood refuses its certificate. Raises ChainError."""
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise ChainError(
                ChainProblem.EXTENSION_UNKNOWN, place, "has a critical extension that is not understood"
            )


def check_issued(certificate: x509.Certificate, issuer: Issuer, place: int) -> None:
    """Name and signature. Raises ChainError.

    With the parsed key where it can be: `verify_directly_issued_by` parses it anew.
    """
    if certificate.issuer != issuer.subject:
        raise ChainError(
            ChainProblem.ISSUER_DIFFERS, place, "was issued by another name than the next certificate's"
        )
    algorithm = _hash(certificate, place)
    try:
        if isinstance(issuer.key, EllipticCurvePublicKey):
            issuer.key.verify(certificate.signature, certificate.tbs_certificate_bytes, ECDSA(algorithm))
        else:
            certificate.verify_directly_issued_by(issuer.certificate)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise ChainError(
            ChainProblem.SIGNATURE_INVALID, place, "was not signed by the next certificate's key"
        ) from error


def signed_by(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    """Whether the key of `root` signed, and its name is the issuer's."""
    try:
        certificate.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


@lru_cache(maxsize=64)
def spki_of(certificate: x509.Certificate) -> bytes:
    """SubjectPublicKeyInfo, DER."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _strong_key(key: PublicKeyTypes, place: int | None) -> PublicKeyTypes:
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
    return key


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _extension_by_oid(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> bool:
    return any(extension.oid == oid for extension in certificate.extensions)


def _hash(certificate: x509.Certificate, place: int) -> hashes.HashAlgorithm:
    algorithm = certificate.signature_hash_algorithm
    if not isinstance(algorithm, _STRONG):
        raise ChainError(
            ChainProblem.HASH_WEAK, place, "is signed with a hash that is not of the SHA-2 family"
        )
    return algorithm
