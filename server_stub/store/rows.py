"""Conversion of entities to rows and back. A row is a sequence in the order of its table's columns."""

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from enum import Enum
from typing import Any, Final

import msgspec
from sqlalchemy import Table

from server_stub.faults.catalogue import FaultKind, Route
from server_stub.policy.overrides import Override
from server_stub.policy.policy import Activation
from server_stub.store.records import (
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
    DEVICES,
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

_DEVICE_COLUMNS: Final = tuple(DEVICES.c.keys())


def device(row: Row) -> Device:
    """A row of `devices`."""
    sub, at, territory, *others = row
    activation = None if at is None else Activation(at, territory)
    return Device(
        sub, activation, *(*others[:4], _override(*others[4:8]), *others[8:12], _override(*others[12:]))
    )


def _override(decision: str | None, reason: str, case: str, at: int) -> Override | None:
    return None if decision is None else Override(Decision(decision), reason, case, at)


def device_values(device: Device) -> dict[str, Any]:
    """The columns of `devices`."""
    activation = device.activation
    row = (
        device.sub,
        *((activation.at, activation.territory) if activation else (None, None)),
        *(device.sale_region, device.model, device.last_serial, device.locks_at),
        *_override_values(device.override),
        *(device.first_seen, device.last_seen, device.batch, device.distributor),
        *_override_values(device.next_answer),
    )
    return dict(zip(_DEVICE_COLUMNS, row, strict=True))


def _override_values(override: Override | None) -> Row:
    if override is None:
        return (None,) * 4
    return override.decision.value, override.reason, override.case, override.at


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
"""Entities whose members are the columns of their table, in the same order; an id is generated."""

TABLES: Final[dict[type[FlatEntity], Table]] = {
    AuditEntry: AUDIT,
    PolicyVersion: POLICY_VERSIONS,
    InForce: POLICIES_IN_FORCE,
    CampaignPeriod: CAMPAIGN_PERIODS,
    Shipment: SHIPMENTS,
    IdempotentAnswer: ANSWERS,
    InjectedFault: FAULTS,
}


def values(entity: FlatEntity) -> dict[str, Any]:
    """The columns of an entity's row, without an id that the database generates."""
    columns = [each.name for each in TABLES[type(entity)].c if each.name != "id"]
    return {
        column: _column_value(getattr(entity, member.name))
        for column, member in zip(columns, fields(entity), strict=False)
    }


def _column_value(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return json.dumps(value) if isinstance(value, dict) else value


def _from_json(value: Any) -> Any:
    """The value of a JSON column: SQLite's driver returns text, PostgreSQL's the parsed value."""
    return json.loads(value) if isinstance(value, str) else value
