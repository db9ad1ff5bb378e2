"""One link of a chain: whether a certificate may issue others, and whether it issued the one below."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from server_stub.attestation.certificate import (
    BASIC_CONSTRAINTS,
    DIGITAL_SIGNATURE,
    KEY_CERT_SIGN,
    KEY_DESCRIPTION,
    NAME_CONSTRAINTS,
    BasicConstraints,
    CertificateValidity,
    ParsedCertificate,
    basic_constraints,
    may_be_used,
)
from server_stub.attestation.certificate_fields import CertificateError, same_name
from server_stub.attestation.der import DerError
from server_stub.attestation.deviations import Deviation
from server_stub.attestation.public_keys import KeyNumbers, KeyRefusedError, key_numbers, may_certify
from server_stub.attestation.reasons import ChainError, ChainProblem
from server_stub.attestation.signature_algorithms import read_algorithm

_NO_CONSTRAINTS: Final = BasicConstraints(ca=False, path_length=None)

CheckSignature = Callable[[ParsedCertificate], bool]


class Anchor(StrEnum):
    """The kind of root that a valid chain leads to."""

    CONFIGURED = "configured"
    SOFTWARE = "software"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA certificate and the parts of it that path validation uses, parsed once. `place` counts from the leaf, 0."""

    certificate: ParsedCertificate
    place: int
    key: PublicKeyTypes
    path_length: int | None
    validity: CertificateValidity
    deviations: frozenset[Deviation]


def refusal(
    problem: ChainProblem | Deviation, place: int, finding: str, certificate: ParsedCertificate
) -> ChainError:
    """The error that rejects a chain for one of its certificates."""
    return ChainError(problem, place, finding, certificate.subject_text())


def issuer_of(certificate: ParsedCertificate, place: int, anchor: Anchor, *, only_link: bool) -> Issuer:
    """`certificate` as an issuer in a chain to `anchor`. Raises ChainError if it may not issue certificates.

    `only_link`: it is directly below the root and directly above the leaf.
    """
    deviations = set(certificate.deviations)
    try:
        value = certificate.extensions.get(BASIC_CONSTRAINTS)
        basic = basic_constraints(value) if value is not None else _NO_CONSTRAINTS
        may_sign = may_be_used(certificate, KEY_CERT_SIGN)
        key, validity = certificate.key(), certificate.period()
        strong = may_certify(key_numbers(certificate.spki))
    except CertificateError as error:
        raise refusal(ChainProblem.MALFORMED, place, f"is malformed: {error}", certificate) from error
    if not basic.ca and only_link and anchor is Anchor.CONFIGURED:
        # Early keystores have such a batch certificate. Its key signed no certificate but the leaf.
        deviations.add(Deviation.ISSUER_NOT_CA)
    elif not basic.ca or not may_sign:
        raise refusal(ChainProblem.NOT_AN_ISSUER, place, "may not issue certificates", certificate)
    if KEY_DESCRIPTION in certificate.extensions:
        finding = (
            "has a key description, which only a leaf may have: an attested key signed the certificate below"
        )
        raise refusal(ChainProblem.EXTENSION_MISPLACED, place, finding, certificate)
    check_extensions(certificate, place)
    if anchor is not Anchor.SOFTWARE and not strong:
        raise refusal(ChainProblem.KEY_WEAK, place, _KEY_REFUSED, certificate)
    if not validity.usual:
        deviations.add(Deviation.TIME_UNUSUAL)
    return Issuer(certificate, place, key, basic.path_length, validity, frozenset(deviations))


_KEY_REFUSED: Final = (
    "has a key that is neither RSA of 2048 to 4096 bits with the exponent 3 or 65537 nor on P-256 or P-384"
)


def check_key(certificate: ParsedCertificate, place: int) -> KeyNumbers | None:
    """Check that an issuer's key has allowed parameters, and return its numbers. Loads no key. Raises ChainError."""
    try:
        return key_numbers(certificate.spki)
    except KeyRefusedError as error:
        raise refusal(ChainProblem.KEY_WEAK, place, _KEY_REFUSED, certificate) from error
    except CertificateError as error:
        raise refusal(ChainProblem.MALFORMED, place, f"is malformed: {error}", certificate) from error


def check_extensions(certificate: ParsedCertificate, place: int) -> None:
    """Reject extensions that limit a certificate in a way that is not checked here. Raises ChainError."""
    if NAME_CONSTRAINTS in certificate.extensions:
        raise refusal(ChainProblem.NAME_CONSTRAINTS, place, "has name constraints", certificate)
    if certificate.critical_unknown:
        # RFC 5280 section 4.2.
        raise refusal(ChainProblem.EXTENSION_UNKNOWN, place, "has an unknown critical extension", certificate)


def check_leaf(leaf: ParsedCertificate) -> frozenset[Deviation]:
    """Check the extensions of a leaf, and return the deviations. Its dates are not judged. Raises ChainError."""
    check_extensions(leaf, 0)
    try:
        if may_be_used(leaf, DIGITAL_SIGNATURE):
            return leaf.deviations
    except CertificateError:
        return leaf.deviations | {Deviation.KEY_USAGE_MALFORMED}
    finding = "has a key usage that excludes digital signatures"
    raise refusal(ChainProblem.LEAF_MAY_NOT_SIGN, 0, finding, leaf)


def check_issued(
    certificate: ParsedCertificate, place: int, subject: bytes, anchor: Anchor, is_signed: CheckSignature
) -> frozenset[Deviation]:
    """Check that the issuer with the name `subject` issued `certificate`. Raises ChainError.

    `is_signed` checks whether the issuer's key signed it, and is called last.
    """
    deviations: frozenset[Deviation] = frozenset()
    try:
        if not names_issuer(certificate, subject):
            finding = "has an issuer that is not the subject of the next certificate"
            raise refusal(ChainProblem.ISSUER_DIFFERS, place, finding, certificate)
        if not certificate.issuer and subject:
            deviations = frozenset({Deviation.ISSUER_NAME_EMPTY})
        algorithm = read_algorithm(certificate.algorithm)
        if read_algorithm(certificate.outer_algorithm) != algorithm:
            finding = "states a signature algorithm that is not the one of its signature"
            raise refusal(ChainProblem.ALGORITHMS_DIFFER, place, finding, certificate)
        if anchor is not Anchor.SOFTWARE and not algorithm.strong:
            finding = "is signed with an algorithm other than ECDSA or RSA with a hash of the SHA-2 family"
            raise refusal(ChainProblem.HASH_WEAK, place, finding, certificate)
        signed = is_signed(certificate)
    except CertificateError as error:
        raise refusal(ChainProblem.MALFORMED, place, f"is malformed: {error}", certificate) from error
    if not signed:
        finding = "was not signed by the key of the next certificate"
        raise refusal(ChainProblem.SIGNATURE_INVALID, place, finding, certificate)
    return deviations


def names_issuer(certificate: ParsedCertificate, subject: bytes) -> bool:
    """Whether the issuer of `certificate` is `subject` or not stated. Raises CertificateError."""
    try:
        return not certificate.issuer or same_name(certificate.issuer, subject)
    except DerError as error:
        raise CertificateError("a name cannot be read") from error
