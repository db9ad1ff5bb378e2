"""The appraisal of evidence: what the attestation proves, claim by claim, and the trust tier that follows.

Claims and values are those of AR4SI (draft-ietf-rats-ar4si section 2.3), tiers those of EAR
(draft-ietf-rats-ear section 3.2): the worst claim gives the overall tier. Identity comes from the hardware
and never from a claim: a phone whose attestation is not anchored, not fresh or names no IMEI is unattested.
What each reason means stands in `appraisal_reasons`, and for reviewers in docs/security/appraisal.md.
"""

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography import x509

from server_stub.attestation import key_description
from server_stub.attestation.chain import Anchor, Path
from server_stub.attestation.chain_problems import MALFORMED, ChainError, ChainProblem
from server_stub.attestation.key_description import (
    AuthorizationList,
    KeyDescription,
    KeyDescriptionError,
    SecurityLevel,
)
from server_stub.attestation.reasons import AppraisalReason as Why
from wire.codes import DebugStatus, TrustTier, VerifiedBootState
from wire.evidence import Evidence


class Identity(StrEnum):
    """Whether the server knows which phone it talks to."""

    ATTESTED = "attested"
    UNATTESTED = "unattested"


class TrustClaim(StrEnum):
    """What is appraised; the AR4SI trustworthiness claims that an activation has evidence for."""

    INSTANCE_IDENTITY = "instance-identity"
    HARDWARE = "hardware"
    EXECUTABLES = "executables"
    CONFIGURATION = "configuration"
    STORAGE_OPAQUE = "storage-opaque"


UEID_IMEI: Final = 0x03
"""First octet of an IMEI-type UEID."""

NO_CLAIM: Final = 0
AFFIRMING: Final = 2
WARNING: Final = 32
CONTRAINDICATED: Final = 96
UNRECOGNIZED: Final = 97
"""AR4SI values: the first of each tier, and the one for an instance or hardware that is not known."""

_TIERS: Final = (
    (CONTRAINDICATED, TrustTier.CONTRAINDICATED),
    (WARNING, TrustTier.WARNING),
    (AFFIRMING, TrustTier.AFFIRMING),
)


@dataclass(frozen=True, slots=True)
class AppraisedClaim:
    """One appraised claim: an AR4SI value and the code of the reason for it.

    `reason` is an `AppraisalReason`, or a `ChainProblem` where the chain proves nothing.
    """

    claim: TrustClaim
    value: int
    reason: Why | ChainProblem

    @property
    def tier(self) -> TrustTier:
        """The EAR tier that the value lies in."""
        return next((tier for floor, tier in _TIERS if self.value >= floor), TrustTier.NONE)


@dataclass(frozen=True, slots=True)
class Appraisal:
    """The whole judgement. `imei` and `model` are attested, and None where identity is unattested."""

    identity: Identity
    tier: TrustTier
    results: tuple[AppraisedClaim, ...]
    imei: str | None
    model: str | None

    def reasons(self) -> dict[str, str]:
        """Reason by claim, as it is recorded."""
        return {result.claim.value: result.reason.value for result in self.results}


@dataclass(frozen=True, slots=True)
class ExpectedAttestation:
    """What an attestation is held against. None is not compared, which is said and affirms nothing.

    `challenge` is what was asked for. `imei` is the claimed IMEI without its check digit, "" where what is claimed
    is no IMEI at all. `named` says whether a phone that its hardware does not name can be known.
    """

    challenge: bytes | None = None
    imei: str | None = None
    named: bool = False
    debugging: bool = False

    @classmethod
    def of(cls, evidence: Evidence) -> "ExpectedAttestation":
        """By what a phone claims in its evidence."""
        return cls(
            challenge=evidence.eat_nonce.encode("ascii"),
            imei=claimed_digits(evidence.ueid),
            named=True,
            debugging=evidence.dbgstat is DebugStatus.ENABLED,
        )


def appraise(path: Path, evidence: Evidence) -> Appraisal:
    """Judge a validated chain and the claims that its leaf signed.

    Raises ChainError, an EvidenceError with `chain-invalid`, where the attestation extension is malformed.
    """
    return judge(path, describe(path.leaf), ExpectedAttestation.of(evidence))


def judge(path: Path, description: KeyDescription | None, expected: ExpectedAttestation) -> Appraisal:
    """Judge a validated chain and the description in its leaf against what is expected of them."""
    identity = AppraisedClaim(TrustClaim.INSTANCE_IDENTITY, *_identity(path, description, expected))
    if identity.value >= UNRECOGNIZED or description is None:
        return _unattested(identity)
    hardware = description.hardware
    results = (
        identity,
        AppraisedClaim(TrustClaim.HARDWARE, *_hardware(description)),
        AppraisedClaim(TrustClaim.EXECUTABLES, *_executables(hardware)),
        AppraisedClaim(TrustClaim.CONFIGURATION, *_configuration(hardware, expected)),
        AppraisedClaim(TrustClaim.STORAGE_OPAQUE, *_storage(hardware)),
    )
    attested = hardware.imei is not None
    return Appraisal(
        identity=Identity.ATTESTED if attested else Identity.UNATTESTED,
        tier=max(results, key=_value).tier,
        results=results,
        imei=hardware.imei,
        model=hardware.model if attested else None,
    )


def refused(problem: ChainProblem) -> Appraisal:
    """The appraisal of a chain that proves nothing, for those who want one and not an error."""
    return _unattested(AppraisedClaim(TrustClaim.INSTANCE_IDENTITY, UNRECOGNIZED, problem))


def describe(leaf: x509.Certificate) -> KeyDescription | None:
    """The leaf's key description, None where it has none. Raises ChainError where it is malformed."""
    try:
        extension = leaf.extensions.get_extension_for_oid(key_description.OID).value
        if not isinstance(extension, x509.UnrecognizedExtension):
            return None
        return key_description.decode(extension.value)
    except x509.ExtensionNotFound:
        return None
    except KeyDescriptionError as error:
        finding = f"has a malformed {error}"
        raise ChainError(ChainProblem.DESCRIPTION_MALFORMED, 0, finding) from error
    except MALFORMED as error:
        raise ChainError(ChainProblem.MALFORMED, 0, "has malformed extensions") from error


def claimed_digits(ueid: str) -> str:
    """The 14 digits of an IMEI-type UEID in padding-free base64url (RFC 9711 section 4.2.1); "" for another.

    >>> claimed_digits("AwMFAQEGAwUCAAkGAgAB")
    '35116352096201'
    """
    try:
        octets = base64.urlsafe_b64decode(ueid + "=" * (-len(ueid) % 4))
    except binascii.Error:
        return ""
    if len(octets) != 15 or octets[0] != UEID_IMEI or max(octets[1:]) > 9:
        return ""
    return "".join(map(str, octets[1:]))


def _value(result: AppraisedClaim) -> int:
    return result.value


def _unattested(identity: AppraisedClaim) -> Appraisal:
    """What is not vouched for is not appraised, favourably or otherwise."""
    others = (claim for claim in TrustClaim if claim is not TrustClaim.INSTANCE_IDENTITY)
    silence = (AppraisedClaim(claim, NO_CLAIM, Why.NOT_VOUCHED_FOR) for claim in others)
    return Appraisal(Identity.UNATTESTED, identity.tier, (identity, *silence), None, None)


_Finding = tuple[int, Why]


def _identity(path: Path, description: KeyDescription | None, expected: ExpectedAttestation) -> _Finding:
    if path.anchor is not Anchor.CONFIGURED:
        software = path.anchor is Anchor.SOFTWARE
        return UNRECOGNIZED, Why.SOFTWARE_ROOT if software else Why.CHAIN_NOT_ANCHORED
    if description is None:
        return UNRECOGNIZED, Why.KEY_NOT_ATTESTED
    if expected.challenge is not None and description.challenge != expected.challenge:
        return UNRECOGNIZED, Why.CHALLENGE_NOT_FRESH
    return _named(description.hardware, expected)


def _named(hardware: AuthorizationList, expected: ExpectedAttestation) -> _Finding:
    """Which phone the hardware says that it is."""
    if hardware.imei is None and (expected.named or expected.imei is not None):
        return UNRECOGNIZED, Why.IMEI_NOT_ATTESTED
    if expected.imei is not None and expected.imei not in _digits(hardware):
        return CONTRAINDICATED, Why.UEID_IS_NOT_THE_ATTESTED_IMEI
    if expected.challenge is None:
        return NO_CLAIM, Why.CHALLENGE_NOT_COMPARED
    if hardware.imei is None:
        return NO_CLAIM, Why.IMEI_NOT_ATTESTED
    return AFFIRMING, Why.RECOGNIZED


def _digits(hardware: AuthorizationList) -> tuple[str, ...]:
    """The attested IMEIs without their check digits."""
    return tuple(imei[:14] for imei in (hardware.imei, hardware.second_imei) if imei is not None)


def _hardware(description: KeyDescription) -> _Finding:
    level = min(description.attestation_level, description.keymint_level)
    if level is SecurityLevel.SOFTWARE:
        return UNRECOGNIZED, Why.KEYSTORE_IN_SOFTWARE
    if description.attestation_level is not description.keymint_level:
        return WARNING, Why.SECURITY_LEVELS_DIFFER
    return AFFIRMING, Why.STRONGBOX if level is SecurityLevel.STRONG_BOX else Why.TRUSTED_ENVIRONMENT


_BOOT: Final[dict[VerifiedBootState, _Finding]] = {
    VerifiedBootState.GREEN: (AFFIRMING, Why.BOOT_GREEN),
    VerifiedBootState.YELLOW: (WARNING, Why.BOOT_YELLOW),
    VerifiedBootState.ORANGE: (CONTRAINDICATED, Why.BOOT_ORANGE),
    VerifiedBootState.RED: (CONTRAINDICATED, Why.BOOT_RED),
}


def _executables(hardware: AuthorizationList) -> _Finding:
    root = hardware.root_of_trust
    return _BOOT[root.verified_boot_state] if root else (CONTRAINDICATED, Why.ROOT_OF_TRUST_ABSENT)


def _configuration(hardware: AuthorizationList, expected: ExpectedAttestation) -> _Finding:
    root = hardware.root_of_trust
    if root is None:
        return CONTRAINDICATED, Why.ROOT_OF_TRUST_ABSENT
    if not root.device_locked:
        return CONTRAINDICATED, Why.BOOTLOADER_UNLOCKED
    if expected.debugging:
        return WARNING, Why.DEBUGGING_ENABLED
    return AFFIRMING, Why.BOOTLOADER_LOCKED


_SIGNING: Final = frozenset({key_description.PURPOSE_SIGN})
_SIGNING_AND_VERIFYING: Final = _SIGNING | {key_description.PURPOSE_VERIFY}


def _storage(hardware: AuthorizationList) -> _Finding:
    if not _SIGNING <= hardware.purposes <= _SIGNING_AND_VERIFYING:
        return CONTRAINDICATED, Why.KEY_NOT_FOR_SIGNING_ALONE
    if hardware.origin != key_description.ORIGIN_GENERATED:
        return CONTRAINDICATED, Why.KEY_NOT_GENERATED_IN_HARDWARE
    if hardware.all_applications:
        return WARNING, Why.KEY_OPEN_TO_ALL_APPLICATIONS
    if hardware.unread:
        return WARNING, Why.KEY_AUTHORIZATION_UNKNOWN
    return AFFIRMING, Why.KEY_IN_HARDWARE
