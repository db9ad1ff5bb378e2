"""Conversion of entities to rows and back. A row is a sequence in the order of its table's columns."""

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from enum import Enum
from typing import Any, Final

import msgspec

from server_stub.faults.catalogue import FaultKind, Route
from server_stub.policy.overrides import Override
from server_stub.policy.policy import Activation
from server_stub.store.entities import (
    AuditEntry,
    CampaignPeriod,
    Device,
    IdempotentAnswer,
    InForce,
    InjectedFault,
    PolicyVersion,
    Shipment,
    VerdictRecord,
)
from server_stub.store.schema import (
    ANSWERS,
    AUDIT,
    CAMPAIGN_PERIODS,
    FAULTS,
    POLICIES_IN_FORCE,
    POLICY_VERSIONS,
    SHIPMENTS,
)
from wire.codes import Decision, Reason, TrustTier
from wire.verdict import Confirmation, PolicyReference, Verdict

Row = Sequence[Any]

_ENCODER: Final = msgspec.json.Encoder()
"""Sixteen times as fast as the standard library's; only for data that was read as strict JSON or made here."""


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
        _override(decision, reason, case, decided_at),
        *(row[11], row[12], row[13], row[14]),
        _override(*row[15:19]),
    )


def _override(decision: str | None, reason: str, case: str, at: int) -> Override | None:
    return None if decision is None else Override(Decision(decision), reason, case, at)


def device_values(device: Device) -> dict[str, Any]:
    """The columns of `devices`."""
    activation = device.activation
    return {
        "sub": device.sub,
        "activated_at": activation.at if activation else None,
        "activation_territory": activation.territory if activation else None,
        "sale_region": device.sale_region,
        "model": device.model,
        "last_serial": device.last_serial,
        "locks_at": device.locks_at,
        **_override_values("override", device.override),
        **_override_values("next", device.next_answer),
        "first_seen": device.first_seen,
        "last_seen": device.last_seen,
        "batch": device.batch,
        "distributor": device.distributor,
    }


def _override_values(prefix: str, override: Override | None) -> dict[str, Any]:
    return {
        f"{prefix}_decision": override.decision.value if override else None,
        f"{prefix}_reason": override.reason if override else None,
        f"{prefix}_case": override.case if override else None,
        f"{prefix}_at": override.at if override else None,
    }


def verdict_values(record: VerdictRecord) -> dict[str, Any]:
    """The columns of `verdicts`, without the id that the database generates."""
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
    claims = _from_json(row[20])
    return VerdictRecord(
        verdict=_verdict_without_claims(row) if claims is None else Verdict.model_validate(claims),
        identity=row[13],
        inputs=_from_json(row[17]),
        appraisal=_from_json(row[18]),
        judgement=_from_json(row[19]),
        token_digest=row[16],
        inputs_pruned_at=row[21],
    )


def _verdict_without_claims(row: Row) -> Verdict:
    """A verdict from before all claims were stored: issuer, audience and nonce are empty, other claims are absent."""
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


def audit_entry(row: Row) -> AuditEntry:
    """A row of `audit`."""
    number, at, actor, action, subject, reason, details = row
    return AuditEntry(at, actor, action, subject, reason, _from_json(details), number)


def fault(row: Row) -> InjectedFault:
    """A row of `faults`."""
    number, kind, route, *others = row
    return replace(InjectedFault(FaultKind(kind), Route(route), *others), id=number)


def answer(row: Row) -> IdempotentAnswer:
    """A row of `idempotent_answers`."""
    key, request, status, headers, body, until = row
    return IdempotentAnswer(key, request, status, _from_json(headers), bytes(body), until)


FlatEntity = (
    AuditEntry | PolicyVersion | InForce | CampaignPeriod | Shipment | IdempotentAnswer | InjectedFault
)
"""Entities whose members are the columns of their table, in the same order."""

_COLUMNS: Final[dict[type, tuple[str, ...]]] = {
    AuditEntry: tuple(column.name for column in AUDIT.c if column.name != "id"),
    PolicyVersion: tuple(column.name for column in POLICY_VERSIONS.c),
    InForce: tuple(column.name for column in POLICIES_IN_FORCE.c if column.name != "id"),
    CampaignPeriod: tuple(column.name for column in CAMPAIGN_PERIODS.c if column.name != "id"),
    Shipment: tuple(column.name for column in SHIPMENTS.c if column.name != "id"),
    IdempotentAnswer: tuple(column.name for column in ANSWERS.c),
    InjectedFault: tuple(column.name for column in FAULTS.c if column.name != "id"),
}


def values(entity: FlatEntity) -> dict[str, Any]:
    """The columns of an entity's row, without an id that the database generates; dictionaries as JSON text."""
    columns = _COLUMNS[type(entity)]
    members = [getattr(entity, member.name) for member in fields(entity)][: len(columns)]
    return {
        column: json.dumps(value)
        if isinstance(value, dict)
        else value.value
        if isinstance(value, Enum)
        else value
        for column, value in zip(columns, members, strict=True)
    }


def _from_json(value: Any) -> Any:
    """The value of a JSON column: SQLite's driver returns text, PostgreSQL's the parsed value."""
    return json.loads(value) if isinstance(value, str) else value
