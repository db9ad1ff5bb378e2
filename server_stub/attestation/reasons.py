"""The reasons that an appraisal gives, and what each says to a person."""

from enum import StrEnum
from typing import Final

from server_stub.attestation.chain_problems import ChainProblem


class AppraisalReason(StrEnum):
    """Why a claim has its value. The codes are recorded with each verdict and do not change."""

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
    STRONGBOX = "strongbox"
    TRUSTED_ENVIRONMENT = "trusted-environment"
    ROOT_OF_TRUST_ABSENT = "root-of-trust-absent"
    BOOT_GREEN = "boot-green"
    BOOT_YELLOW = "boot-yellow"
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

MEANING: Final[dict[AppraisalReason | ChainProblem, str]] = {
    _R.RECOGNIZED: "The hardware names this phone and answers this challenge.",
    _R.CHALLENGE_NOT_COMPARED: "No challenge was given to compare with, so that the attestation may be an old one.",
    _R.IMEI_NOT_ATTESTED: "The hardware names no IMEI, so that nobody knows which phone this is.",
    _R.CHAIN_NOT_ANCHORED: "The chain leads to no root that is trusted.",
    _R.SOFTWARE_ROOT: "The chain leads to the root of a keystore in software, which vouches for no hardware.",
    _R.KEY_NOT_ATTESTED: "The leaf carries no key description.",
    _R.CHALLENGE_NOT_FRESH: "The attestation answers another challenge than the one that was asked.",
    _R.UEID_IS_NOT_THE_ATTESTED_IMEI: "The phone claims to be another one than its hardware says.",
    _R.NOT_VOUCHED_FOR: "Nothing that is trusted vouches for this, so that it says nothing.",
    _R.KEYSTORE_IN_SOFTWARE: "The key, or what attests it, lives in software.",
    _R.SECURITY_LEVELS_DIFFER: "The key and what attests it live at different levels of security.",
    _R.STRONGBOX: "The key lives in a secure element of its own (StrongBox).",
    _R.TRUSTED_ENVIRONMENT: "The key lives in the trusted execution environment.",
    _R.ROOT_OF_TRUST_ABSENT: "The hardware does not say what was booted.",
    _R.BOOT_GREEN: "An image that the maker signed was booted and verified.",
    _R.BOOT_YELLOW: "A verified image was booted that somebody other than the maker signed.",
    _R.BOOT_ORANGE: "Any image could be booted; nothing was verified.",
    _R.BOOT_RED: "An image was booted that failed its verification.",
    _R.BOOTLOADER_UNLOCKED: "The bootloader is unlocked.",
    _R.DEBUGGING_ENABLED: "The phone says that debugging is enabled.",
    _R.BOOTLOADER_LOCKED: "The bootloader is locked.",
    _R.KEY_NOT_FOR_SIGNING_ALONE: "The key is not for signing alone.",
    _R.KEY_NOT_GENERATED_IN_HARDWARE: "The key was not generated in the hardware, so that a copy may exist.",
    _R.KEY_OPEN_TO_ALL_APPLICATIONS: "Every application on the phone may use the key.",
    _R.KEY_AUTHORIZATION_UNKNOWN: "The hardware enforces an authorization that is not known here.",
    _R.KEY_IN_HARDWARE: "The key was generated in the hardware, for signing.",
    _P.MALFORMED: "A certificate is malformed.",
    _P.OUT_OF_TIME: "A certificate is not valid at this time.",
    _P.NOT_AN_ISSUER: "A certificate issued another and may not.",
    _P.ISSUER_DIFFERS: "A certificate was issued by another name than the next one's.",
    _P.SIGNATURE_INVALID: "A certificate was not signed by the next one's key.",
    _P.PATH_TOO_LONG: "More certificates stand below one of them than it allows.",
    _P.HASH_WEAK: "A certificate is signed with a hash that is not of the SHA-2 family.",
    _P.KEY_WEAK: "A certificate was issued with a weak key.",
    _P.EXTENSION_MISPLACED: "Another certificate than the leaf carries a key description.",
    _P.EXTENSION_UNKNOWN: "A certificate has a critical extension that is not understood.",
    _P.REVOKED: "A certificate has been revoked.",
    _P.SUSPENDED: "A certificate has been suspended.",
    _P.DESCRIPTION_MALFORMED: "The leaf's key description is malformed.",
}
"""One sentence for each."""
