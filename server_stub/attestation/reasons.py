"""Why a chain is rejected, why an appraised claim has its value, and a sentence for each reason."""

from enum import StrEnum
from typing import Final

from server_stub.attestation.deviations import DEVIATION_MEANING, Deviation
from server_stub.attestation.revocation import CertificateStatus
from server_stub.evidence.errors import EvidenceError
from wire.codes import ProblemCode


class ChainProblem(StrEnum):
    """What is wrong with a chain, or with the key description in its leaf."""

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
    NAME_CONSTRAINTS = "name-constraints"
    ALGORITHMS_DIFFER = "signature-algorithms-differ"
    LEAF_MAY_NOT_SIGN = "leaf-may-not-sign"
    REVOKED = "certificate-revoked"
    SUSPENDED = "certificate-suspended"
    DESCRIPTION_MALFORMED = "key-description-malformed"

    @classmethod
    def of(cls, status: CertificateStatus) -> "ChainProblem":
        """The problem for an entry of a status list."""
        return cls.SUSPENDED if status is CertificateStatus.SUSPENDED else cls.REVOKED


class ChainError(EvidenceError):
    """A chain is rejected. `place` counts certificates from the leaf, 0; None if the error concerns none of them.

    `finding` is the message without the certificate, `subject` the subject of the certificate if it can be read.
    """

    def __init__(
        self, problem: ChainProblem | Deviation, place: int | None, finding: str, subject: str | None = None
    ) -> None:
        name = "" if subject is None else f" ({subject})"
        where = "" if place is None else f"certificate {place} of x5c{name} "
        super().__init__(ProblemCode.CHAIN_INVALID, f"{where}{finding}")
        self.problem = problem
        self.place = place
        self.finding = finding
        self.subject = subject


class AppraisalReason(StrEnum):
    """Why a claim has its value. The codes are stored with each verdict and do not change."""

    RECOGNIZED = "recognized"
    CHALLENGE_NOT_COMPARED = "challenge-not-compared"
    IMEI_NOT_ATTESTED = "imei-not-attested"
    CHAIN_NOT_ANCHORED = "chain-not-anchored"
    SOFTWARE_ROOT = "root-of-software"
    KEY_NOT_ATTESTED = "key-not-attested"
    CHALLENGE_NOT_FRESH = "challenge-not-fresh"
    UEID_IS_NOT_THE_ATTESTED_IMEI = "ueid-is-not-the-attested-imei"
    NOT_VOUCHED_FOR = "not-vouched-for"
    KEYSTORE_IN_SOFTWARE = "keystore-in-software"
    SECURITY_LEVELS_DIFFER = "security-levels-differ"
    SECURITY_LEVEL_NOT_CERTIFIED = "security-level-not-certified"
    STRONGBOX = "strongbox"
    TRUSTED_ENVIRONMENT = "trusted-environment"
    ROOT_OF_TRUST_ABSENT = "root-of-trust-absent"
    BOOT_GREEN = "boot-green"
    BOOT_YELLOW = "boot-yellow"
    BOOT_KEY_KNOWN = "boot-key-known"
    BOOT_ORANGE = "boot-orange"
    BOOT_RED = "boot-red"
    BOOTLOADER_UNLOCKED = "bootloader-unlocked"
    DEBUGGING_ENABLED = "debugging-enabled"
    BOOTLOADER_LOCKED = "bootloader-locked"
    KEY_NOT_FOR_SIGNING_ALONE = "key-not-for-signing-alone"
    KEY_NOT_GENERATED_IN_HARDWARE = "key-not-generated-in-hardware"
    KEY_OPEN_TO_ALL_APPLICATIONS = "key-open-to-all-applications"
    KEY_AUTHORIZATION_UNKNOWN = "key-authorization-unknown"
    KEY_IN_HARDWARE = "key-in-hardware"


_R = AppraisalReason
_P = ChainProblem

MEANING: Final[dict[AppraisalReason | ChainProblem | Deviation, str]] = {
    **dict(DEVIATION_MEANING.items()),
    _R.RECOGNIZED: "The hardware states the IMEI of this device and answers this challenge.",
    _R.CHALLENGE_NOT_COMPARED: "No challenge was given to compare with, so the attestation may be an old one.",
    _R.IMEI_NOT_ATTESTED: "The hardware states no IMEI, so it does not identify the device.",
    _R.CHAIN_NOT_ANCHORED: "The chain leads to no trusted root.",
    _R.SOFTWARE_ROOT: "The chain leads to the root of a software keystore, which does not certify hardware.",
    _R.KEY_NOT_ATTESTED: "The leaf has no key description.",
    _R.CHALLENGE_NOT_FRESH: "The attestation answers another challenge than the expected one.",
    _R.UEID_IS_NOT_THE_ATTESTED_IMEI: "The device claims another IMEI than its hardware states.",
    _R.NOT_VOUCHED_FOR: "No trusted certificate covers this claim, so it is not appraised.",
    _R.KEYSTORE_IN_SOFTWARE: "The key, or the keystore that attests it, is in software.",
    _R.SECURITY_LEVELS_DIFFER: "The key and the keystore that attests it have different security levels.",
    _R.SECURITY_LEVEL_NOT_CERTIFIED: "The chain certifies another security level than the key description states.",
    _R.STRONGBOX: "The key is in a separate secure element (StrongBox).",
    _R.TRUSTED_ENVIRONMENT: "The key is in the trusted execution environment.",
    _R.ROOT_OF_TRUST_ABSENT: "The hardware does not state what was booted.",
    _R.BOOT_GREEN: "A verified image was booted that the manufacturer signed.",
    _R.BOOT_YELLOW: "A verified image was booted that another party than the manufacturer signed.",
    _R.BOOT_KEY_KNOWN: "A verified image was booted that another party signed, with a key that the policy lists.",
    _R.BOOT_ORANGE: "The boot was not verified: any image could be booted.",
    _R.BOOT_RED: "An image was booted whose verification failed.",
    _R.BOOTLOADER_UNLOCKED: "The bootloader is unlocked.",
    _R.DEBUGGING_ENABLED: "The device reports that debugging is enabled.",
    _R.BOOTLOADER_LOCKED: "The bootloader is locked.",
    _R.KEY_NOT_FOR_SIGNING_ALONE: "The key has other purposes than signing and verifying, or is not for signing.",
    _R.KEY_NOT_GENERATED_IN_HARDWARE: "The key was not generated in the hardware, so a copy may exist.",
    _R.KEY_OPEN_TO_ALL_APPLICATIONS: "Every application on the device may use the key.",
    _R.KEY_AUTHORIZATION_UNKNOWN: "The hardware enforces an authorization that this server does not know.",
    _R.KEY_IN_HARDWARE: "The key was generated in the hardware, for signing.",
    _P.MALFORMED: "A certificate is malformed.",
    _P.OUT_OF_TIME: "A certificate of a remotely provisioned device has expired.",
    _P.NOT_AN_ISSUER: "A certificate issued another one but may not issue certificates.",
    _P.ISSUER_DIFFERS: "The issuer of a certificate is not the subject of the next one.",
    _P.SIGNATURE_INVALID: "A certificate was not signed by the key of the next one.",
    _P.PATH_TOO_LONG: "More certificates are below a certificate than its path length allows.",
    _P.HASH_WEAK: "A certificate is signed with a hash that is not of the SHA-2 family.",
    _P.KEY_WEAK: "A certificate was issued with a weak key.",
    _P.EXTENSION_MISPLACED: "A certificate above the leaf has a key description.",
    _P.EXTENSION_UNKNOWN: "A certificate has an unknown critical extension.",
    _P.NAME_CONSTRAINTS: "A certificate limits the names below it, which the names of keystores cannot satisfy.",
    _P.ALGORITHMS_DIFFER: "A certificate states two different signature algorithms.",
    _P.LEAF_MAY_NOT_SIGN: "The key usage of the leaf excludes signatures.",
    _P.REVOKED: "A certificate has been revoked.",
    _P.SUSPENDED: "A certificate has been suspended.",
    _P.DESCRIPTION_MALFORMED: "The key description in the leaf is malformed.",
}
"""One sentence for each reason."""
