"""What the server records of an exchange: the verdict with its inputs, and the changed device."""

import hashlib
from dataclasses import replace
from typing import Any

from server_stub.evidence.pseudonyms import Pseudonyms
from server_stub.policy.policy import UNKNOWN_REGION, Activation, PolicyInput
from server_stub.store.records import Device, Reading, VerdictRecord
from server_stub.verdicts.appraiser import Appraised
from server_stub.verdicts.claims import locks_at
from wire.codes import Decision, TrustTier
from wire.evidence import Evidence
from wire.verdict import Verdict


def device_of(appraised: Appraised, reading: Reading) -> Device | None:
    """The record of an attested device, new for its first request; None for an unattested device."""
    if appraised.sub is None:
        return None
    known = reading.device(appraised.sub)
    device = known or Device(
        appraised.sub,
        None,
        appraised.evidence.firmware.sale_region,
        appraised.appraisal.model,
        0,
        first_seen=appraised.now,
    )
    return shipped_as(device, appraised.appraisal.imei or "", reading)


def shipped_as(device: Device, imei: str, reading: Reading) -> Device:
    """The device with the data of its shipment, which overrides what the device claims."""
    if device.batch is not None or len(imei) < 14 or not imei[:14].isdigit():
        return device
    # Type allocation code and serial number (3GPP TS 23.003 clause 6.2.1).
    shipment = reading.shipment_of(imei[:8], int(imei[8:14]))
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
    )


def device_after(device: Device, verdict: Verdict, evidence: Evidence) -> Device:
    """The device after `verdict`. The first allow is its activation; a later one adds an unknown territory.

    An allow on contraindicated evidence is neither: it holds until the next check-in, which is judged without it. The
    place that such evidence claims may be false, and an activation decides about the device for ever.
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
    )


def record_of(appraised: Appraised, verdict: Verdict, token: str, pseudonyms: Pseudonyms) -> VerdictRecord:
    """The record of a verdict with its inputs."""
    judgement = appraised.judgement
    return VerdictRecord(
        verdict=verdict,
        identity=appraised.appraisal.identity,
        inputs=_inputs(appraised.claims, pseudonyms),
        appraisal=appraised.appraisal.recorded(),
        judgement={
            "status": judgement.status,
            "territory": judgement.territory,
            "confidence": judgement.confidence,
            "explanation": judgement.explanation,
            "decided_by": judgement.decided_by.source if judgement.decided_by else None,
        },
        token_digest=hashlib.sha256(token.encode()).hexdigest(),
    )


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
