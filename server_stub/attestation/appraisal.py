"""The appraisal of evidence: what the attestation proves for each claim, and the resulting trust tier.

Claims and values are those of AR4SI (draft-ietf-rats-ar4si section 2.3), tiers those of EAR
(draft-ietf-rats-ear section 3.2): the worst claim gives the overall tier. Identity is taken only from the hardware:
a device whose attestation is not anchored, is not fresh or has no IMEI is unattested.
`reasons` and docs/security/appraisal.md explain each reason.
"""

import base64
import binascii
from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import attrgetter
from typing import Final

from server_stub.attestation import key_description
from server_stub.attestation.certificate import KEY_DESCRIPTION, ParsedCertificate
from server_stub.attestation.chain import Anchor, Path
from server_stub.attestation.deviations import Deviation, DeviationTreatment
from server_stub.attestation.key_description import (
    AuthorizationList,
    KeyDescription,
    KeyDescriptionError,
    RootOfTrust,
    SecurityLevel,
)
from server_stub.attestation.provisioning import ProvisioningFacts
from server_stub.attestation.reasons import AppraisalReason as Reason
from server_stub.attestation.reasons import ChainError, ChainProblem
from wire.codes import DebugStatus, TrustTier, VerifiedBootState
from wire.evidence import Evidence


class Identity(StrEnum):
    """Whether the attestation identifies the device."""

    ATTESTED = "attested"
    UNATTESTED = "unattested"


class BootKey(StrEnum):
    """Whether the key that verified the booted image is the manufacturer's, or one that the policy lists."""

    KNOWN = "known"
    UNKNOWN = "unknown"


class TrustClaim(StrEnum):
    """The AR4SI trustworthiness claims for which an activation has evidence."""

    INSTANCE_IDENTITY = "instance-identity"
    HARDWARE = "hardware"
    EXECUTABLES = "executables"
    CONFIGURATION = "configuration"
    STORAGE_OPAQUE = "storage-opaque"


UEID_IMEI: Final = 0x03
"""First byte of an IMEI-type UEID."""

NO_CLAIM: Final = 0
AFFIRMING: Final = 2
WARNING: Final = 32
CONTRAINDICATED: Final = 96
UNRECOGNIZED: Final = 97
"""AR4SI values: the first of each tier, and the one for unknown instances and hardware."""

_TIERS: Final = (
    (CONTRAINDICATED, TrustTier.CONTRAINDICATED),
    (WARNING, TrustTier.WARNING),
    (AFFIRMING, TrustTier.AFFIRMING),
)


@dataclass(frozen=True, slots=True)
class AppraisedClaim:
    """One appraised claim: an AR4SI value and the reason for it.

    The reason is a `ChainProblem` if the chain is rejected, a `Deviation` if it is rejected for that.
    """

    claim: TrustClaim
    value: int
    reason: Reason | ChainProblem | Deviation

    @property
    def tier(self) -> TrustTier:
        """The EAR tier of the value."""
        return next((tier for floor, tier in _TIERS if self.value >= floor), TrustTier.NONE)


@dataclass(frozen=True, slots=True)
class Appraisal:
    """The appraisal of all claims. `imei` and `model` are attested, and None if the identity is unattested.

    `root_of_trust` is what the hardware states about the boot, None if it does not, or if no claim is appraised.
    `deviations` are those of the chain and of the key description, sorted; one makes the tier a warning at best.
    `provisioning` is None if the chain leads to no configured root.
    """

    identity: Identity
    tier: TrustTier
    results: tuple[AppraisedClaim, ...]
    imei: str | None
    model: str | None
    root_of_trust: RootOfTrust | None = None
    deviations: tuple[Deviation, ...] = ()
    provisioning: ProvisioningFacts | None = None

    def knowing(self, keys: Container[str]) -> "Appraisal":
        """The appraisal by a policy that knows the verified-boot keys `keys`, hexadecimal.

        An image that a locked bootloader verified with one of them counts as one that the manufacturer signed.
        """
        key = self.verified_boot_key
        if key is None:
            return self
        boot = (AFFIRMING, Reason.BOOT_KEY_KNOWN) if key in keys else _BOOT[VerifiedBootState.YELLOW]
        judged = AppraisedClaim(TrustClaim.EXECUTABLES, *boot)
        results = tuple(judged if each.claim is judged.claim else each for each in self.results)
        return replace(self, results=results, tier=_worst(results, self.deviations))

    @property
    def verified_boot_key(self) -> str | None:
        """The key with which a locked bootloader verified another party's image, hexadecimal; None otherwise.

        An unlocked bootloader verifies nothing, so the key that it reports says nothing about the image.
        """
        root = self.root_of_trust
        if root is None or not root.device_locked or root.verified_boot_state is not VerifiedBootState.YELLOW:
            return None
        return root.verified_boot_key.hex()

    @property
    def boot_key(self) -> BootKey:
        """Known if a locked bootloader verified the image with the manufacturer's key, or with a key of the policy."""
        root = self.root_of_trust
        executables = {each.value for each in self.results if each.claim is TrustClaim.EXECUTABLES}
        known = root is not None and root.device_locked and executables == {AFFIRMING}
        return BootKey.KNOWN if known else BootKey.UNKNOWN

    def reasons(self) -> dict[str, str]:
        """The reason of each claim, and the deviations if there are any."""
        reasons = {result.claim.value: result.reason.value for result in self.results}
        return reasons | ({"deviations": ", ".join(self.deviations)} if self.deviations else {})

    def recorded(self) -> dict[str, str]:
        """What is stored with the verdict: the reasons and what the chain states about the keystore."""
        facts = self.provisioning
        if facts is None:
            return self.reasons()
        issued = {} if facts.issued is None else {"certificates-issued": str(facts.issued)}
        return self.reasons() | {"provisioning": facts.method.value} | issued


@dataclass(frozen=True, slots=True)
class ExpectedAttestation:
    """Values that an attestation is compared with. None is not compared, so it can affirm nothing.

    `challenge` is the expected nonce. `imei` is the claimed IMEI without its check digit, "" if it is not an IMEI.
    If `named`, an attestation without an IMEI is not recognized.
    """

    challenge: bytes | None = None
    imei: str | None = None
    named: bool = False
    debugging: bool = False

    @classmethod
    def of(cls, evidence: Evidence) -> "ExpectedAttestation":
        """The values that the device claims in its evidence."""
        return cls(
            challenge=evidence.eat_nonce.encode("ascii"),
            imei=None if evidence.ueid is None else claimed_digits(evidence.ueid),
            named=True,
            debugging=evidence.dbgstat is DebugStatus.ENABLED,
        )


def appraise(
    path: Path, evidence: Evidence, treatment: DeviationTreatment = DeviationTreatment.WARN
) -> Appraisal:
    """Appraise a validated chain and the claims that its leaf signed.

    Raises ChainError, an EvidenceError with `chain-invalid`, if the key description is malformed, or for a deviation if
    `treatment` refuses them.
    """
    # Nothing that an unanchored leaf describes has an effect, so it is not read.
    description = describe(path.leaf) if path.anchored else None
    if treatment is DeviationTreatment.REFUSE:
        refuse_deviations(path, description)
    return judge(path, description, ExpectedAttestation.of(evidence))


def judge(path: Path, description: KeyDescription | None, expected: ExpectedAttestation) -> Appraisal:
    """Compare a validated chain and the key description of its leaf with the expected values."""
    found = {each.deviation for each in path.deviations}
    deviations = tuple(sorted(found | description.deviations if description else found))
    identity = AppraisedClaim(TrustClaim.INSTANCE_IDENTITY, *_identity(path, description, expected))
    if identity.value >= UNRECOGNIZED or description is None:
        return replace(_unattested(identity), deviations=deviations, provisioning=path.provisioning)
    hardware = description.hardware
    root = hardware.root_of_trust
    boot = _BOOT[root.verified_boot_state] if root else (CONTRAINDICATED, Reason.ROOT_OF_TRUST_ABSENT)
    results = (
        identity,
        AppraisedClaim(TrustClaim.HARDWARE, *_hardware(path, description)),
        AppraisedClaim(TrustClaim.EXECUTABLES, *boot),
        AppraisedClaim(TrustClaim.CONFIGURATION, *_configuration(hardware, expected)),
        AppraisedClaim(TrustClaim.STORAGE_OPAQUE, *_storage(hardware)),
    )
    attested = hardware.imei is not None
    return Appraisal(
        identity=Identity.ATTESTED if attested else Identity.UNATTESTED,
        tier=_worst(results, deviations),
        results=results,
        imei=hardware.imei,
        model=hardware.model if attested else None,
        root_of_trust=root,
        deviations=deviations,
        provisioning=path.provisioning,
    )


def refused(problem: ChainProblem | Deviation) -> Appraisal:
    """The appraisal of a rejected chain, for callers that report an appraisal and not an error."""
    return _unattested(AppraisedClaim(TrustClaim.INSTANCE_IDENTITY, UNRECOGNIZED, problem))


def refuse_deviations(path: Path, description: KeyDescription | None) -> None:
    """Raises ChainError, with the deviation as its problem, if the chain or the key description has one."""
    for each in path.deviations:
        raise ChainError(each.deviation, each.place, _REFUSED.format(each.deviation), each.subject)
    for deviation in sorted(description.deviations if description else ()):
        finding = f"has a key description that {_REFUSED.format(deviation)}"
        raise ChainError(deviation, 0, finding, path.leaf.subject_text())


_REFUSED: Final = "deviates from its standard ({}), and deviations are refused"


def describe(leaf: ParsedCertificate) -> KeyDescription | None:
    """The leaf's key description, or None. Raises ChainError if it is malformed."""
    value = leaf.extensions.get(KEY_DESCRIPTION)
    try:
        return None if value is None else key_description.decode(value)
    except KeyDescriptionError as error:
        finding = f"has a malformed {error}"
        problem = ChainProblem.DESCRIPTION_MALFORMED
        raise ChainError(problem, 0, finding, leaf.subject_text()) from error


def claimed_digits(ueid: str) -> str:
    """The 14 digits of an IMEI-type UEID in base64url without padding (RFC 9711 section 4.2.1); "" for other UEIDs.

    >>> claimed_digits("AwMFAQEGAwUCAAkGAgAB")
    '35116352096201'
    """
    try:
        decoded = base64.urlsafe_b64decode(ueid + "=" * (-len(ueid) % 4))
    except binascii.Error:
        return ""
    if len(decoded) != 15 or decoded[0] != UEID_IMEI or max(decoded[1:]) > 9:
        return ""
    return "".join(map(str, decoded[1:]))


def _unattested(identity: AppraisedClaim) -> Appraisal:
    """The other claims get no value, because no trusted certificate covers them."""
    others = (claim for claim in TrustClaim if claim is not TrustClaim.INSTANCE_IDENTITY)
    results = (AppraisedClaim(claim, NO_CLAIM, Reason.NOT_VOUCHED_FOR) for claim in others)
    return Appraisal(Identity.UNATTESTED, identity.tier, (identity, *results), None, None)


def _worst(results: Iterable[AppraisedClaim], deviations: tuple[Deviation, ...]) -> TrustTier:
    worst = max(results, key=attrgetter("value"))
    return TrustTier.WARNING if deviations and worst.value < WARNING else worst.tier


_ValueAndReason = tuple[int, Reason]


def _identity(
    path: Path, description: KeyDescription | None, expected: ExpectedAttestation
) -> _ValueAndReason:
    if path.anchor is not Anchor.CONFIGURED:
        software = path.anchor is Anchor.SOFTWARE
        return UNRECOGNIZED, Reason.SOFTWARE_ROOT if software else Reason.CHAIN_NOT_ANCHORED
    if description is None:
        return UNRECOGNIZED, Reason.KEY_NOT_ATTESTED
    if expected.challenge is not None and description.challenge != expected.challenge:
        return UNRECOGNIZED, Reason.CHALLENGE_NOT_FRESH
    return _device_identity(description.hardware, expected)


def _device_identity(hardware: AuthorizationList, expected: ExpectedAttestation) -> _ValueAndReason:
    if hardware.imei is None and (expected.named or expected.imei is not None):
        return UNRECOGNIZED, Reason.IMEI_NOT_ATTESTED
    # An attested IMEI has a check digit, the claimed one has none.
    attested = [imei[:14] for imei in (hardware.imei, hardware.second_imei) if imei is not None]
    if expected.imei is not None and expected.imei not in attested:
        return CONTRAINDICATED, Reason.UEID_IS_NOT_THE_ATTESTED_IMEI
    if expected.challenge is None:
        return NO_CLAIM, Reason.CHALLENGE_NOT_COMPARED
    if hardware.imei is None:
        return NO_CLAIM, Reason.IMEI_NOT_ATTESTED
    return AFFIRMING, Reason.RECOGNIZED


def _hardware(path: Path, description: KeyDescription) -> _ValueAndReason:
    level = min(description.attestation_level, description.keymint_level)
    if level is SecurityLevel.SOFTWARE:
        return UNRECOGNIZED, Reason.KEYSTORE_IN_SOFTWARE
    certified = path.provisioning.level if path.provisioning else None
    if certified not in (None, description.attestation_level):
        return CONTRAINDICATED, Reason.SECURITY_LEVEL_NOT_CERTIFIED
    if description.attestation_level is not description.keymint_level:
        return WARNING, Reason.SECURITY_LEVELS_DIFFER
    return AFFIRMING, Reason.STRONGBOX if level is SecurityLevel.STRONG_BOX else Reason.TRUSTED_ENVIRONMENT


_BOOT: Final[dict[VerifiedBootState, _ValueAndReason]] = {
    VerifiedBootState.GREEN: (AFFIRMING, Reason.BOOT_GREEN),
    VerifiedBootState.YELLOW: (WARNING, Reason.BOOT_YELLOW),
    VerifiedBootState.ORANGE: (CONTRAINDICATED, Reason.BOOT_ORANGE),
    VerifiedBootState.RED: (CONTRAINDICATED, Reason.BOOT_RED),
}


def _configuration(hardware: AuthorizationList, expected: ExpectedAttestation) -> _ValueAndReason:
    root = hardware.root_of_trust
    if root is None:
        return CONTRAINDICATED, Reason.ROOT_OF_TRUST_ABSENT
    if not root.device_locked:
        return CONTRAINDICATED, Reason.BOOTLOADER_UNLOCKED
    if expected.debugging:
        return WARNING, Reason.DEBUGGING_ENABLED
    return AFFIRMING, Reason.BOOTLOADER_LOCKED


_SIGNING: Final = frozenset({key_description.PURPOSE_SIGN})
_SIGNING_AND_VERIFYING: Final = _SIGNING | {key_description.PURPOSE_VERIFY}


def _storage(hardware: AuthorizationList) -> _ValueAndReason:
    if not _SIGNING <= hardware.purposes <= _SIGNING_AND_VERIFYING:
        return CONTRAINDICATED, Reason.KEY_NOT_FOR_SIGNING_ALONE
    if hardware.origin != key_description.ORIGIN_GENERATED:
        return CONTRAINDICATED, Reason.KEY_NOT_GENERATED_IN_HARDWARE
    if hardware.all_applications:
        return WARNING, Reason.KEY_OPEN_TO_ALL_APPLICATIONS
    if hardware.unread:
        return WARNING, Reason.KEY_AUTHORIZATION_UNKNOWN
    return AFFIRMING, Reason.KEY_IN_HARDWARE
