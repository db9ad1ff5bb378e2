"""The appraisal of evidence: what the attestation proves, claim by claim, and the trust tier that follows.

Claims and values are those of AR4SI (draft-ietf-rats-ar4si section 2.3), tiers those of EAR
(draft-ietf-rats-ear section 3.2): the worst claim gives the overall tier. Identity comes from the hardware
and never from a claim: a phone whose attestation is not anchored, not fresh or names no IMEI is unattested.
"""

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography import x509

from server_stub.domain import key_description
from server_stub.domain.chain import MALFORMED, Path
from server_stub.domain.key_description import AuthorizationList, KeyDescription, SecurityLevel
from server_stub.domain.trouble import EvidenceError
from wire.codes import DebugStatus, ProblemCode, TrustTier, VerifiedBootState
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
class Result:
    """One appraised claim: an AR4SI value and the code of the reason for it."""

    claim: TrustClaim
    value: int
    reason: str

    @property
    def tier(self) -> TrustTier:
        """The EAR tier that the value lies in."""
        return next((tier for floor, tier in _TIERS if self.value >= floor), TrustTier.NONE)


@dataclass(frozen=True, slots=True)
class Appraisal:
    """The whole judgement. `imei` and `model` are attested, and None where identity is unattested."""

    identity: Identity
    tier: TrustTier
    results: tuple[Result, ...]
    imei: str | None
    model: str | None

    def reasons(self) -> dict[str, str]:
        """Reason by claim, as it is recorded."""
        return {result.claim.value: result.reason for result in self.results}


def appraise(path: Path, evidence: Evidence) -> Appraisal:
    """Judge a validated chain and the claims that its leaf signed.

    Raises EvidenceError with `chain-invalid` where the attestation extension is malformed.
    """
    description = describe(path.leaf)
    identity = _identity(path, description, evidence)
    trusted = identity.value < UNRECOGNIZED and description is not None
    results = (identity, *(_judge(description, evidence) if trusted and description else _silence()))
    attested = trusted and description is not None and description.hardware.imei is not None
    return Appraisal(
        identity=Identity.ATTESTED if attested else Identity.UNATTESTED,
        tier=max(results, key=lambda result: result.value).tier,
        results=results,
        imei=description.hardware.imei if attested and description else None,
        model=description.hardware.model if attested and description else None,
    )


def describe(leaf: x509.Certificate) -> KeyDescription | None:
    """The leaf's key description, None where it has none. Raises EvidenceError where it is malformed."""
    try:
        extension = leaf.extensions.get_extension_for_oid(key_description.OID).value
        if not isinstance(extension, x509.UnrecognizedExtension):
            return None
        return key_description.decode(extension.value)
    except x509.ExtensionNotFound:
        return None
    except MALFORMED as error:
        raise EvidenceError(
            ProblemCode.CHAIN_INVALID, "the leaf's extensions or its key description are malformed"
        ) from error


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


def _identity(path: Path, description: KeyDescription | None, evidence: Evidence) -> Result:
    value, reason = _identity_value(path, description, evidence)
    return Result(TrustClaim.INSTANCE_IDENTITY, value, reason)


def _identity_value(path: Path, description: KeyDescription | None, evidence: Evidence) -> tuple[int, str]:
    if not path.anchored:
        return UNRECOGNIZED, "chain-not-anchored"
    if description is None:
        return UNRECOGNIZED, "key-not-attested"
    if description.challenge != evidence.eat_nonce.encode("ascii"):
        return UNRECOGNIZED, "challenge-not-fresh"
    if description.hardware.imei is None:
        return UNRECOGNIZED, "imei-not-attested"
    if claimed_digits(evidence.ueid) not in _digits(description.hardware):
        return CONTRAINDICATED, "ueid-is-not-the-attested-imei"
    return AFFIRMING, "recognized"


def _digits(hardware: AuthorizationList) -> tuple[str, ...]:
    """The attested IMEIs without their check digits."""
    return tuple(imei[:14] for imei in (hardware.imei, hardware.second_imei) if imei is not None)


def _judge(description: KeyDescription, evidence: Evidence) -> tuple[Result, ...]:
    return (
        Result(TrustClaim.HARDWARE, *_hardware(description)),
        Result(TrustClaim.EXECUTABLES, *_executables(description.hardware)),
        Result(TrustClaim.CONFIGURATION, *_configuration(description.hardware, evidence)),
        Result(TrustClaim.STORAGE_OPAQUE, *_storage(description.hardware)),
    )


def _silence() -> tuple[Result, ...]:
    """What is not vouched for is not appraised, favourably or otherwise."""
    return tuple(
        Result(claim, NO_CLAIM, "not-vouched-for")
        for claim in TrustClaim
        if claim is not TrustClaim.INSTANCE_IDENTITY
    )


def _hardware(description: KeyDescription) -> tuple[int, str]:
    level = min(description.attestation_level, description.keymint_level)
    if level is SecurityLevel.SOFTWARE:
        return UNRECOGNIZED, "keystore-in-software"
    return AFFIRMING, "strongbox" if level is SecurityLevel.STRONG_BOX else "trusted-environment"


_BOOT: Final = {
    VerifiedBootState.GREEN: (AFFIRMING, "boot-green"),
    VerifiedBootState.YELLOW: (WARNING, "boot-yellow"),
    VerifiedBootState.ORANGE: (CONTRAINDICATED, "boot-orange"),
    VerifiedBootState.RED: (CONTRAINDICATED, "boot-red"),
}


def _executables(hardware: AuthorizationList) -> tuple[int, str]:
    root = hardware.root_of_trust
    return _BOOT[root.verified_boot_state] if root else (CONTRAINDICATED, "root-of-trust-absent")


def _configuration(hardware: AuthorizationList, evidence: Evidence) -> tuple[int, str]:
    root = hardware.root_of_trust
    if root is None:
        return CONTRAINDICATED, "root-of-trust-absent"
    if not root.device_locked:
        return CONTRAINDICATED, "bootloader-unlocked"
    if evidence.dbgstat is DebugStatus.ENABLED:
        return WARNING, "debugging-enabled"
    return AFFIRMING, "bootloader-locked"


def _storage(hardware: AuthorizationList) -> tuple[int, str]:
    if hardware.purposes != frozenset({key_description.PURPOSE_SIGN}):
        return CONTRAINDICATED, "key-not-for-signing-alone"
    if hardware.origin != key_description.ORIGIN_GENERATED:
        return CONTRAINDICATED, "key-not-generated-in-hardware"
    return AFFIRMING, "key-in-hardware"
