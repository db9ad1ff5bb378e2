"""Records to put into a store."""

from dataclasses import replace
from typing import Any

from server_stub.faults.catalogue import FaultKind, Route
from server_stub.policy.overrides import Override
from server_stub.policy.policy import Activation
from server_stub.store.records import (
    AuditEntry,
    Device,
    InjectedFault,
    PolicyVersion,
    Shipment,
    VerdictRecord,
)
from wire.codes import Decision, MessageKey, Reason, TrustTier
from wire.verdict import CatalogueMessage, Confirmation, PolicyReference, Verdict

THUMBPRINT = "t" * 43


def device(number: int = 1, **changes: Any) -> Device:
    """A device with a value in every field."""
    whole = Device(
        sub=f"d-{number:032x}",
        activation=Activation(1_000, "FR"),
        sale_region="global",
        model="Lark 1",
        last_serial=1,
        locks_at=5_000,
        override=Override(Decision.DENY, "asked for", "SLV-1", 2_000),
        first_seen=1_000,
        last_seen=2_000,
        batch="2021-07",
        distributor="Caravel",
        next_answer=Override(Decision.NOTICE, "a test", "SLV-2", 3_000),
    )
    return replace(whole, **changes)


def fault(**changes: Any) -> InjectedFault:
    """A fault that was not injected yet."""
    whole = InjectedFault(FaultKind.ERROR, Route.VERDICTS, None, 2, 0, 0.5, None, 502, 30, 1_000)
    return replace(whole, **changes)


def verdict(sub: str, serial: int, **changes: Any) -> Verdict:
    """A deny with most claims."""
    whole = Verdict(
        iss="https://issuer.example",
        aud="lark",
        sub=sub,
        cnf=Confirmation(jkt=THUMBPRINT),
        eat_nonce="n" * 44,
        iat=1_000 + serial,
        nbf=1_000 + serial,
        exp=4_600 + serial,
        jti=f"{sub}.{serial}",
        serial=serial,
        decision=Decision.DENY,
        reason=Reason.TERRITORY_PROHIBITED,
        territory="CU",
        policy=PolicyReference(id="export", version=3, rule="prohibited"),
        trust=TrustTier.AFFIRMING,
        message=CatalogueMessage(key=MessageKey.NOT_SOLD_HERE, args={"territory": "CU"}),
        case="SLV-1",
        check_in=86_400,
    )
    return Verdict.model_validate({**whole.model_dump(exclude_none=True), **changes})


def record(sub: str, serial: int, **changes: Any) -> VerdictRecord:
    """A verdict with its inputs."""
    return VerdictRecord(
        verdict=verdict(sub, serial, **changes),
        identity="attested",
        inputs={"telephony": {"sims": [{"spn": "كوبا\u0000"}]}},
        appraisal={"hardware": "genuine"},
        judgement={"status": "resolved", "explanation": "a cell in Havana"},
        token_digest="0" * 64,
    )


def entry(number: int, **changes: Any) -> AuditEntry:
    """An audit entry."""
    whole = AuditEntry(number, "alice", "device.lock", f"d-{number}", "because", {"was": None, "to": "deny"})
    return replace(whole, **changes)


def policy(version: int, text: str = "id = 'export'\n", policy_id: str = "export") -> PolicyVersion:
    """A version of a policy."""
    return PolicyVersion(policy_id, version, text, 1_000 + version, "alice")


def shipment(first: int, last: int, distributor: str, tac: str = "00101012") -> Shipment:
    """A range of serial numbers under one TAC."""
    return Shipment(tac, first, last, "2021-07", distributor, "global", "Lark 1")
