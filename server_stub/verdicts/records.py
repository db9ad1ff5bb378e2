"""What the server records of an exchange: the verdict with its inputs, and the changed device.

`case_of` is what a policy decides by when evidence arrives, `case_again` the same from the record.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from server_stub.attestation.appraisal import Appraisal, BootKey, Identity, TrustClaim
from server_stub.attestation.deviations import Deviation
from server_stub.attestation.reasons import AppraisalReason
from server_stub.evidence.pseudonyms import Pseudonyms
from server_stub.policy.policy import UNKNOWN_REGION, Activation, Policy, PolicyInput
from server_stub.store.reading import Reading
from server_stub.store.records import Device, Shipment, VerdictRecord
from server_stub.territory.judgement import Judgement, JudgementStatus
from server_stub.verdicts.appraiser import Appraised
from server_stub.verdicts.claims import locks_at
from wire.codes import Decision, Intent, TrustTier
from wire.evidence import Evidence, Serving
from wire.verdict import Verdict

_BOOT_KEY: Final = "verified-boot-key"
_DEVIATIONS: Final = "deviations"
"""Members of a recorded appraisal, in addition to the reason of each claim."""


def devices_of(group: Sequence[Appraised], reading: Reading) -> dict[str, Device]:
    """The records of the attested devices of `group` by pseudonym, new for their first requests."""
    first = {each.sub: each for each in reversed(group) if each.sub is not None}
    known = reading.known_devices(first)
    devices = [
        known.get(sub)
        or Device(sub, None, each.evidence.firmware.sale_region, each.appraisal.model, 0, first_seen=each.now)
        for sub, each in first.items()
    ]
    return shipped(zip(devices, (each.appraisal.imei or "" for each in first.values()), strict=True), reading)


def shipped(devices: Iterable[tuple[Device, str]], reading: Reading) -> dict[str, Device]:
    """Devices, given with their IMEIs, by pseudonym. The data of a shipment override what a device claims."""
    pairs = list(devices)
    units = {device.sub: unit for device, imei in pairs if device.batch is None and (unit := _unit(imei))}
    shipments = reading.shipments_of(tuple(units.values()))
    of_device = {sub: shipments.get(unit) for sub, unit in units.items()}
    return {device.sub: _as_shipped(device, of_device.get(device.sub)) for device, _ in pairs}


def _unit(imei: str) -> tuple[str, int] | None:
    """Type allocation code and serial number (3GPP TS 23.003 clause 6.2.1), None without an IMEI."""
    return (imei[:8], int(imei[8:14])) if len(imei) >= 14 and imei[:14].isdigit() else None


def _as_shipped(device: Device, shipment: Shipment | None) -> Device:
    if shipment is None:
        return device
    return replace(
        device,
        batch=shipment.batch,
        distributor=shipment.distributor,
        sale_region=shipment.sale_region,
        model=device.model or shipment.model,
    )


def case_of(appraised: Appraised, device: Device | None) -> PolicyInput:
    """The input of the policy. The recorded sale region overrides the one that the device claims."""
    claimed = appraised.evidence.firmware.sale_region
    recorded = device.sale_region if device else UNKNOWN_REGION
    return PolicyInput(
        judgement=appraised.judgement,
        intent=appraised.evidence.intent,
        activation=device.activation if device else None,
        identity=appraised.appraisal.identity,
        trust=appraised.appraisal.tier,
        terms=appraised.evidence.terms.version,
        now=appraised.now,
        sale_region=claimed if recorded == UNKNOWN_REGION else recorded,
        roaming=appraised.evidence.telephony.roaming,
        boot_key=appraised.appraisal.boot_key,
        deviations=frozenset(appraised.appraisal.deviations),
    )


def case_again(device: Device, record: VerdictRecord, policy: Policy, now: int) -> PolicyInput:
    """The input of `policy` if the device checked in at `now` with the evidence of `record`.

    Records of earlier releases have no boot key, so that the recorded trust holds whatever keys the policy knows.
    """
    judged, serving = record.judgement, record.inputs["telephony"].get("serving")
    boot_key, trust = _boot_again(record, policy)
    deviations = record.appraisal.get(_DEVIATIONS, "").split(", ")
    return PolicyInput(
        judgement=Judgement(
            JudgementStatus(judged["status"]), judged.get("territory"), str(judged["explanation"])
        ),
        intent=Intent.CHECK_IN,
        activation=device.activation,
        identity=Identity.ATTESTED,
        trust=trust,
        terms=record.inputs["terms"]["version"],
        now=now,
        sale_region=device.sale_region,
        roaming=Serving.model_validate(serving).roaming if serving else None,
        boot_key=boot_key,
        deviations=frozenset(each for each in Deviation if each in deviations),
    )


def _boot_again(record: VerdictRecord, policy: Policy) -> tuple[BootKey, TrustTier]:
    if stored := record.appraisal.get(_BOOT_KEY):
        known = BootKey.KNOWN if stored["key"] in policy.boot_keys else BootKey.UNKNOWN
        return known, TrustTier(stored["trust"][known])
    official = record.appraisal.get(TrustClaim.EXECUTABLES) == AppraisalReason.BOOT_GREEN
    unlocked = record.appraisal.get(TrustClaim.CONFIGURATION) == AppraisalReason.BOOTLOADER_UNLOCKED
    return BootKey.KNOWN if official and not unlocked else BootKey.UNKNOWN, record.verdict.trust


def device_after(device: Device, verdict: Verdict, evidence: Evidence) -> Device:
    """The device after `verdict`, without the next answer. The first allow is its activation.

    A later allow adds an unknown territory.
    An allow on contraindicated evidence is neither: it holds until the next check-in, which is judged without it. The
    place that such evidence claims may be false, and an activation decides about the device permanently.
    """
    activation = device.activation
    if verdict.decision is Decision.ALLOW and verdict.trust is not TrustTier.CONTRAINDICATED:
        if activation is None:
            activation = Activation(verdict.iat, verdict.territory)
        elif activation.territory is None:
            activation = replace(activation, territory=verdict.territory)
    return replace(
        device,
        activation=activation,
        last_serial=verdict.serial,
        locks_at=locks_at(verdict, device, evidence.lock_state),
        last_seen=verdict.iat,
        next_answer=None,
    )


def record_of(appraised: Appraised, verdict: Verdict, token: str, pseudonyms: Pseudonyms) -> VerdictRecord:
    """The record of a verdict with its inputs."""
    judgement = appraised.judgement
    return VerdictRecord(
        verdict=verdict,
        identity=appraised.appraisal.identity,
        inputs=_inputs(appraised.claims, pseudonyms),
        appraisal=_appraisal(appraised.appraisal),
        judgement={
            "status": judgement.status,
            "territory": judgement.territory,
            "confidence": judgement.confidence,
            "explanation": judgement.explanation,
            "decided_by": judgement.decided_by.source if judgement.decided_by else None,
        },
        token_digest=hashlib.sha256(token.encode()).hexdigest(),
    )


def _appraisal(appraisal: Appraisal) -> dict[str, Any]:
    """What the appraisal records. If the boot key matters, also the key and the trust with and without knowing it."""
    recorded: dict[str, Any] = dict(appraisal.recorded())
    if key := appraisal.verified_boot_key:
        trust = {BootKey.KNOWN: appraisal.knowing({key}).tier, BootKey.UNKNOWN: appraisal.knowing(()).tier}
        recorded[_BOOT_KEY] = {"key": key, "trust": trust}
    return recorded


def _inputs(claims: dict[str, Any], pseudonyms: Pseudonyms) -> dict[str, Any]:
    """The claims without cell and position, which would reveal a home, and with keyed hashes of identifiers."""
    telephony = dict(claims["telephony"])
    if "sims" in telephony:
        telephony["sims"] = [
            sim | {"iccid": pseudonyms.value("iccid", sim["iccid"])} if sim.get("iccid") else sim
            for sim in telephony["sims"]
        ]
    if "serving" in telephony:
        telephony["serving"] = _without(telephony["serving"], "cell")
    inputs = _without(claims, "location") | {"telephony": telephony}
    if "ueid" in claims:
        inputs["ueid"] = pseudonyms.value("ueid", claims["ueid"])
    return inputs


def _without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in claims.items() if key != name}
