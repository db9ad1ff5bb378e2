"""Path validation of an attestation chain (RFC 5280 section 6.1, without policies and names of hosts).

Not `cryptography.x509.verification`: attestation leaves name no host, live from 1970 to 2048, and carry
serial number 1, all of which a verifier for the web refuses.
"""

import datetime
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from server_stub.domain.trouble import EvidenceError
from wire.codes import ProblemCode

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

MALFORMED: Final = (
    ValueError,
    TypeError,  # a name whose attribute has a string type that does not belong to it
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises where a certificate is malformed; most of these are not of one family."""

_CACHE_MAX: Final = 1024
_STRONG: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


@dataclass(frozen=True, slots=True)
class Path:
    """A chain that holds together. `anchored` says whether it leads to a configured root."""

    leaf: x509.Certificate
    leaf_key: PublicKeyTypes
    anchored: bool


@dataclass(frozen=True, slots=True)
class _Issuer:
    """A CA certificate, taken apart once."""

    certificate: x509.Certificate
    key: PublicKeyTypes
    subject: x509.Name
    path_length: int | None
    not_before: datetime.datetime
    not_after: datetime.datetime


@dataclass(slots=True)
class ChainVerifier:
    """Verifies chains up to `roots`.

    Issuers that lead to a root are remembered by their exact octets, so that each further phone of a batch
    costs one signature verification. Validity is checked anew every time. A certificate whose serial number is in
    `revoked` refuses its chain, whoever issued it.
    """

    roots: tuple[x509.Certificate, ...]
    revoked: frozenset[int] = frozenset()
    _known: dict[tuple[bytes, ...], tuple[tuple[_Issuer, ...], bool]] = field(
        default_factory=dict, repr=False
    )

    def verify(self, chain: tuple[bytes, ...], at: int) -> Path:
        """Validate `chain`, DER, leaf first, at `at` seconds since the epoch. Raises EvidenceError."""
        try:
            return self._verify(chain, at)
        except MALFORMED as error:
            # Names, times and keys are parsed when first asked for, so any look can find them malformed.
            raise EvidenceError(ProblemCode.CHAIN_INVALID, "a certificate of x5c is malformed") from error

    def _verify(self, chain: tuple[bytes, ...], at: int) -> Path:
        time = datetime.datetime.fromtimestamp(at, datetime.UTC)
        leaf = self._load(chain[0], 0)
        issuers, anchored = self._issuers(chain[1:])
        _check_validity(leaf.not_valid_before_utc, leaf.not_valid_after_utc, time, 0)
        for place, issuer in enumerate(issuers, 1):
            _check_validity(issuer.not_before, issuer.not_after, time, place)
        if issuers:
            _check_issued(leaf, issuers[0], 0)
        elif root := self._issuing_root(leaf):
            _check_issued(leaf, root, 0)
            anchored = True
        return Path(leaf, leaf.public_key(), anchored)

    def _load(self, octets: bytes, place: int) -> x509.Certificate:
        certificate = _load(octets, place)
        if certificate.serial_number in self.revoked:
            raise _refused(place, "has been revoked")
        return certificate

    def _issuers(self, chain: tuple[bytes, ...]) -> tuple[tuple[_Issuer, ...], bool]:
        if known := self._known.get(chain):
            return known
        issuers = tuple(_issuer(self._load(octets, place), place) for place, octets in enumerate(chain, 1))
        for place, (subject, issuer) in enumerate(pairwise(issuers), 1):
            _check_issued(subject.certificate, issuer, place)
        _check_path_lengths(issuers)
        verified = issuers, bool(issuers) and self._anchored(issuers)
        if verified[1]:
            self._remember(chain, verified)
        return verified

    def _remember(self, chain: tuple[bytes, ...], verified: tuple[tuple[_Issuer, ...], bool]) -> None:
        """The oldest gives way: a signature can be written in several ways, and must not fill this for good."""
        if len(self._known) >= _CACHE_MAX:
            self._known.pop(next(iter(self._known)), None)
        self._known[chain] = verified

    def _anchored(self, issuers: tuple[_Issuer, ...]) -> bool:
        last = issuers[-1]
        octets = last.certificate.public_bytes(Encoding.DER)
        if any(octets == root.public_bytes(Encoding.DER) for root in self.roots):
            return True
        root = self._issuing_root(last.certificate)
        if root is None:
            return False
        _check_issued(last.certificate, root, len(issuers))
        _check_path_lengths((*issuers, root))
        return True

    def _issuing_root(self, certificate: x509.Certificate) -> _Issuer | None:
        """The root of that name and key. A root of that name which did not sign is another root."""
        for root in self.roots:
            if root.subject == certificate.issuer and _signed_by(certificate, root):
                return _issuer(root, 0)
        return None


def _load(octets: bytes, place: int) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(octets)
    except MALFORMED as error:
        raise _refused(place, "is not an X.509 certificate") from error


def _issuer(certificate: x509.Certificate, place: int) -> _Issuer:
    basic = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    if basic is None or not basic.ca or (usage is not None and not usage.key_cert_sign):
        raise _refused(place, "may not issue certificates")
    return _Issuer(
        certificate,
        certificate.public_key(),
        certificate.subject,
        basic.path_length,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _check_validity(
    not_before: datetime.datetime, not_after: datetime.datetime, at: datetime.datetime, place: int
) -> None:
    if not not_before <= at <= not_after:
        raise _refused(place, "is not valid at this time")


def _check_issued(certificate: x509.Certificate, issuer: _Issuer, place: int) -> None:
    """Name and signature. With the parsed key where it can be: `verify_directly_issued_by` parses it anew."""
    if certificate.issuer != issuer.subject:
        raise _refused(place, "was issued by another name than the next certificate's")
    algorithm = _hash(certificate, place)
    try:
        if isinstance(issuer.key, EllipticCurvePublicKey):
            issuer.key.verify(certificate.signature, certificate.tbs_certificate_bytes, ECDSA(algorithm))
        else:
            certificate.verify_directly_issued_by(issuer.certificate)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise _refused(place, "was not signed by the next certificate's key") from error


def _hash(certificate: x509.Certificate, place: int) -> hashes.HashAlgorithm:
    algorithm = certificate.signature_hash_algorithm
    if not isinstance(algorithm, _STRONG):
        raise _refused(place, "is signed with a hash that is not of the SHA-2 family")
    return algorithm


def _signed_by(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _check_path_lengths(issuers: tuple[_Issuer, ...]) -> None:
    """RFC 5280 section 4.2.1.9: how many CA certificates may stand between an issuer and the leaf."""
    for below, issuer in enumerate(issuers):
        if issuer.path_length is not None and issuer.path_length < below:
            raise _refused(below + 1, "has more certificates below it than it allows")


def _refused(place: int, problem: str) -> EvidenceError:
    return EvidenceError(ProblemCode.CHAIN_INVALID, f"certificate {place} of x5c {problem}")
