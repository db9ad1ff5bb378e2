"""Entities to rows of the database, and back. A row is a sequence in the order of its table's columns."""

import json
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from server_stub.policy.overrides import Override
from server_stub.policy.policy import Activation
from server_stub.store.entities import (
    AuditEntry,
    CampaignPeriod,
    Device,
    IdempotentAnswer,
    InForce,
    PolicyVersion,
    Shipment,
    VerdictRecord,
)
from wire.codes import Decision, Reason, TrustTier
from wire.verdict import Confirmation, PolicyReference, Verdict

Row = Sequence[Any]

_ENCODER: Final = msgspec.json.Encoder()
"""Sixteen times as fast as the standard library's; for what was read as strict JSON or made here."""


def device(row: Row) -> Device:
    """A row of `devices`."""
    sub, at, territory, sale_region, model, last_serial, locks_at, decision, reason, case, decided_at = row[
        :11
    ]
    return Device(
        sub,
        None if at is None else Activation(at, territory),
        sale_region,
        model,
        last_serial,
        locks_at,
        None if decision is None else Override(Decision(decision), reason, case, decided_at),
        *row[11:15],
    )


def device_values(device: Device) -> dict[str, Any]:
    """The columns of `devices`."""
    activation, override = device.activation, device.override
    return {
        "sub": device.sub,
        "activated_at": activation.at if activation else None,
        "activation_territory": activation.territory if activation else None,
        "sale_region": device.sale_region,
        "model": device.model,
        "last_serial": device.last_serial,
        "locks_at": device.locks_at,
        "override_decision": override.decision.value if override else None,
        "override_reason": override.reason if override else None,
        "override_case": override.case if override else None,
        "override_at": override.at if override else None,
        "first_seen": device.first_seen,
        "last_seen": device.last_seen,
        "batch": device.batch,
        "distributor": device.distributor,
    }


def verdict_values(record: VerdictRecord) -> dict[str, Any]:
    """The columns of `verdicts`, without the id that the database gives."""
    verdict = record.verdict
    return {
        "jti": verdict.jti,
        "sub": verdict.sub,
        "serial": verdict.serial,
        "iat": verdict.iat,
        "exp": verdict.exp,
        "decision": verdict.decision.value,
        "reason": verdict.reason.value,
        "territory": verdict.territory,
        "policy_id": verdict.policy.id,
        "policy_version": verdict.policy.version,
        "rule": verdict.policy.rule,
        "trust": verdict.trust.value,
        "identity": record.identity,
        "case_number": verdict.case,
        "jkt": verdict.cnf.jkt,
        "token_digest": record.token_digest,
        "inputs": _ENCODER.encode(record.inputs).decode(),
        "appraisal": _ENCODER.encode(record.appraisal).decode(),
        "judgement": _ENCODER.encode(record.judgement).decode(),
        "claims": verdict.to_wire().decode(),
    }


def record(row: Row) -> VerdictRecord:
    """A row of `verdicts`."""
    claims = from_json(row[20])
    return VerdictRecord(
        verdict=_early(row) if claims is None else Verdict.model_validate(claims),
        identity=row[13],
        inputs=from_json(row[17]),
        appraisal=from_json(row[18]),
        judgement=from_json(row[19]),
        token_digest=row[16],
    )


def _early(row: Row) -> Verdict:
    """A verdict of before claims were kept whole.

    Issuer, audience and nonce are empty, and what goes with the decision is absent.
    """
    _, jti, sub, serial, iat, exp, decision, reason, territory, policy, version, rule, trust = row[:13]
    return Verdict.model_construct(
        iss="",
        aud="",
        sub=sub,
        cnf=Confirmation.model_construct(jkt=row[15]),
        eat_nonce="",
        iat=iat,
        nbf=iat,
        exp=exp,
        jti=jti,
        serial=serial,
        decision=Decision(decision),
        reason=Reason(reason),
        territory=territory,
        policy=PolicyReference.model_construct(id=policy, version=version, rule=rule),
        trust=TrustTier(trust),
        case=row[14],
    )


def audit_values(entry: AuditEntry) -> dict[str, Any]:
    """The columns of `audit`, without the id that the database gives."""
    return {
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "reason": entry.reason,
        "details": as_json(entry.details),
    }


def audit_entry(row: Row) -> AuditEntry:
    """A row of `audit`."""
    number, at, actor, action, subject, reason, details = row
    return AuditEntry(at, actor, action, subject, reason, from_json(details), number)


def policy_values(version: PolicyVersion) -> dict[str, Any]:
    """The columns of `policy_versions`."""
    return {
        "policy_id": version.id,
        "version": version.version,
        "text": version.text,
        "put_at": version.put_at,
        "put_by": version.put_by,
    }


def policy(row: Row) -> PolicyVersion:
    """A row of `policy_versions`."""
    return PolicyVersion(*row)


def in_force_values(entry: InForce) -> dict[str, Any]:
    """The columns of `policies_in_force`, without the id that the database gives."""
    return {
        "policy_id": entry.policy_id,
        "version": entry.version,
        "since": entry.since,
        "by": entry.by,
        "reason": entry.reason,
    }


def in_force(row: Row) -> InForce:
    """A row of `policies_in_force`."""
    return InForce(*row[1:])


def campaign_values(period: CampaignPeriod) -> dict[str, Any]:
    """The columns of `campaign_periods`, without the id that the database gives."""
    return {
        "campaign": period.id,
        "begins": period.begins,
        "ends": period.ends,
        "by": period.by,
        "reason": period.reason,
    }


def campaign(row: Row) -> CampaignPeriod:
    """A row of `campaign_periods`."""
    return CampaignPeriod(*row[1:])


def shipment_values(shipment: Shipment) -> dict[str, Any]:
    """The columns of `shipments`, without the id that the database gives."""
    return {
        "tac": shipment.tac,
        "first": shipment.first,
        "last": shipment.last,
        "batch": shipment.batch,
        "distributor": shipment.distributor,
        "sale_region": shipment.sale_region,
        "model": shipment.model,
    }


def shipment(row: Row) -> Shipment:
    """A row of `shipments`."""
    return Shipment(*row[1:])


def answer_values(answer: IdempotentAnswer) -> dict[str, Any]:
    """The columns of `idempotent_answers`."""
    return {
        "key": answer.key,
        "request": answer.request,
        "status": answer.status,
        "headers": as_json(answer.headers),
        "body": answer.body,
        "until": answer.until,
    }


def answer(row: Row) -> IdempotentAnswer:
    """A row of `idempotent_answers`."""
    key, request, status, headers, body, until = row
    return IdempotentAnswer(key, request, status, from_json(headers), bytes(body), until)


def as_json(value: dict[str, Any]) -> str:
    """A JSON column as the driver takes it: nothing between the store and the driver would convert it."""
    return json.dumps(value)


def from_json(value: Any) -> Any:
    """A JSON column as the driver gives it: SQLite's as text, PostgreSQL's read already."""
    return json.loads(value) if isinstance(value, str) else value
