"""Why a chain is refused, by name."""

from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from server_stub.attestation.revocation import CertificateStatus
from server_stub.evidence.errors import EvidenceError
from wire.codes import ProblemCode

MALFORMED: Final = (
    ValueError,
    TypeError,  # a name whose attribute has a string type that does not belong to it
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises where a certificate is malformed; most of these are not of one family."""


class ChainProblem(StrEnum):
    """What is wrong with a chain, or with the key description that it leads to."""

    MALFORMED = "certificate-malformed"
    OUT_OF_TIME = "certificate-out-of-time"
    NOT_AN_ISSUER = "certificate-may-not-issue"
    ISSUER_DIFFERS = "certificate-of-another-issuer"
    SIGNATURE_INVALID = "certificate-signature-invalid"
    PATH_TOO_LONG = "path-too-long"
    HASH_WEAK = "signature-hash-weak"
    KEY_WEAK = "issuer-key-weak"
    EXTENSION_MISPLACED = "key-description-misplaced"
    EXTENSION_UNKNOWN = "critical-extension-unknown"
    REVOKED = "certificate-revoked"
    SUSPENDED = "certificate-suspended"
    DESCRIPTION_MALFORMED = "key-description-malformed"

    @classmethod
    def of(cls, status: CertificateStatus) -> "ChainProblem":
        """The problem that an entry of a status list is."""
        return cls.SUSPENDED if status is CertificateStatus.SUSPENDED else cls.REVOKED


class ChainError(EvidenceError):
    """A chain proves nothing. `place` counts certificates from the leaf, 0; None where it is not one of them.

    `finding` is the sentence without the place, for those who name certificates in their own way.
    """

    def __init__(self, problem: ChainProblem, place: int | None, finding: str) -> None:
        where = "" if place is None else f"certificate {place} of x5c "
        super().__init__(ProblemCode.CHAIN_INVALID, f"{where}{finding}")
        self.problem = problem
        self.place = place
        self.finding = finding
