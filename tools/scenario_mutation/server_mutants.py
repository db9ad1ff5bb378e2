"""Mutants of the server: signals that it ignores, records that it does not keep, decisions that it does not take."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest

from lab.backend.managed_server import LabServer
from server_stub.admin import devices
from server_stub.admin.devices import DeviceAdmin
from server_stub.admin.keys import KeyAdmin
from server_stub.admin.policies import PolicyAdmin
from server_stub.attestation import key_description
from server_stub.attestation.appraisal import AppraisedClaim, Identity
from server_stub.attestation.der import DerProblem
from server_stub.attestation.key_description import KeyDescription, KeyDescriptionError
from server_stub.evidence import evidence_token
from server_stub.policy.document import CampaignState, Rule, RuleMessage
from server_stub.policy.policy import UNKNOWN_REGION, Period, Policy, PolicyInput
from server_stub.store.transaction import SqlTransaction
from server_stub.territory.judgement import JudgementStatus, judge
from server_stub.territory.signals import Signal, Source, signals_of
from server_stub.verdicts import appraiser, records, service
from server_stub.verdicts.claims import build_verdict
from wire.codes import Decision, Intent, MessageKey, Reason, TrustTier

Apply = Callable[[pytest.MonkeyPatch], None]


SOURCES: Final = tuple(
    source for source in Source if source not in (Source.LAST_NETWORK, Source.REGISTRATION)
)
"""The signals that devices of the lab send: their modems report the received network, and store none."""


def all_by_name() -> Iterator[tuple[str, Apply]]:
    """Each name with the function that applies the mutant."""
    for source in SOURCES:
        yield f"server: ignores signal {source}", _without_signal(source)
    for state in CampaignState:
        yield f"server: treats every campaign as {state}", _campaigns_are(state)
    for rule in FORCED:
        yield f"server: always decides {rule.decision}", _always(rule)
    for name, changes in VERDICTS.items():
        yield f"server: {name}", _verdicts(changes)
    for name, change in CASES.items():
        yield f"server: {name}", _cases(change)
    yield from RULES.items()


def _without_signal(source: Source) -> Apply:
    def signals(*args: Any) -> list[Any]:
        return [signal for signal in signals_of(*args) if signal.source is not source]

    return lambda patch: patch.setattr(appraiser, "signals_of", signals)


def _parts_reach_everywhere(patch: pytest.MonkeyPatch) -> None:
    def widened(position: Signal, found: Sequence[Signal]) -> Signal:
        parts = {each.territory for each in found if each.territory and "-" in each.territory}
        near = {part for part in parts if part.partition("-")[0] == position.territory}
        return replace(position, nearby=position.nearby | near)

    def signals(*args: Any) -> list[Signal]:
        found = signals_of(*args)
        return [widened(each, found) if each.source is Source.POSITION else each for each in found]

    patch.setattr(appraiser, "signals_of", signals)


def _campaigns_are(state: CampaignState) -> Apply:
    return lambda patch: patch.setattr(Period, "state", lambda *_: state)


FORCED: Final = (
    Rule(
        id="forced",
        decision=Decision.ALLOW,
        reason=Reason.TERRITORY_ELIGIBLE,
        message=RuleMessage(key=MessageKey.ACTIVATED),
        check_in=86_400,
        offline_limit=7_776_000,
    ),
    Rule(
        id="forced",
        decision=Decision.DENY,
        reason=Reason.OPERATOR_DECISION,
        message=RuleMessage(key=MessageKey.UNDER_INVESTIGATION),
        case=True,
        check_in=86_400,
    ),
    Rule(
        id="forced",
        decision=Decision.DEFER,
        reason=Reason.TERRITORY_CONTRADICTORY,
        message=RuleMessage(key=MessageKey.TRY_LATER),
        retry_after=900,
    ),
)


def _always(rule: Rule) -> Apply:
    return lambda patch: patch.setattr(Policy, "decide", lambda *_: rule)


VERDICTS: Final[dict[str, dict[str, Any]]] = {
    "sends no case numbers": {"case": None},
    "sends no territory": {"territory": None},
    "requests a check-in once a year": {"check_in": 365 * 86_400},
    "sets no offline limit": {"offline_limit": None},
    "sends no messages": {"message": None},
    "sends the name of another rule": {"policy_rule": "another"},
}


def _verdicts(changes: dict[str, Any]) -> Apply:
    def composed(*args: Any, **more: Any) -> Any:
        whole = build_verdict(*args, **more)
        wanted = {name: value for name, value in changes.items() if getattr(whole, name, None) is not None}
        if "policy_rule" in changes:
            wanted["policy"] = whole.policy.model_copy(update={"rule": changes["policy_rule"]})
        return whole.model_copy(update=wanted)

    def apply(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(service, "build_verdict", composed)
        patch.setattr(devices, "build_verdict", composed)

    return apply


def _without_contradiction(case: PolicyInput) -> PolicyInput:
    if case.judgement.status is not JudgementStatus.CONTRADICTORY:
        return case
    return replace(case, judgement=judge(()))


CASES: Final[dict[str, Callable[[PolicyInput], PolicyInput]]] = {
    "ignores where devices were activated": lambda case: replace(case, activation=None),
    "forgets the activation of a device that asks for one": lambda case: (
        replace(case, activation=None) if case.intent is Intent.ACTIVATE else case
    ),
    "ignores where devices were sold": lambda case: replace(case, sale_region=UNKNOWN_REGION),
    "treats all accepted terms as the newest": lambda case: replace(case, terms="2031-01"),
    "treats every device as attested": lambda case: replace(case, identity=Identity.ATTESTED),
    "treats every device as unattested": lambda case: replace(case, identity=Identity.UNATTESTED),
    "treats contradictory signals as none": _without_contradiction,
}


def _cases(change: Callable[[PolicyInput], PolicyInput]) -> Apply:
    return lambda patch: patch.setattr(service, "case_of", lambda *args: change(records.case_of(*args)))


def _ignores_operator_decisions(patch: pytest.MonkeyPatch) -> None:
    def device(*args: Any) -> Any:
        known = records.device_of(*args)
        return replace(known, override=None) if known else None

    patch.setattr(service, "device_of", device)


def _stores_no_device(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SqlTransaction, "put_device", lambda *_: None)


def _stores_no_activation(patch: pytest.MonkeyPatch) -> None:
    def after(*args: Any) -> Any:
        return replace(records.device_after(*args), activation=None)

    patch.setattr(service, "device_after", after)


def _records_every_allow_as_an_activation(patch: pytest.MonkeyPatch) -> None:
    def after(device: Any, verdict: Any, evidence: Any) -> Any:
        return records.device_after(
            device, verdict.model_copy(update={"trust": TrustTier.AFFIRMING}), evidence
        )

    patch.setattr(service, "device_after", after)


def _knows_no_boot_key(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(appraiser.Appraised, "knowing", lambda self, _: self)


def _trusts_every_attestation(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(AppraisedClaim, "tier", TrustTier.AFFIRMING)


def _writes_no_audit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SqlTransaction, "append_audit", lambda *_: None)


def _issues_wrong_codes(patch: pytest.MonkeyPatch) -> None:
    original = DeviceAdmin.unlock_code

    def wrong(self: DeviceAdmin, *args: Any, **more: Any) -> Any:
        right = original(self, *args, **more)
        return replace(right, token=right.token[:-8] + "AAAAAAAA")

    patch.setattr(DeviceAdmin, "unlock_code", wrong)


def _never_increases_serial(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(service, "next_serial", lambda *_: 1)


def _restores_no_backup(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LabServer, "restore", lambda *_: None)


def _loses_database_at_restart(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LabServer, "restart", lambda self: self.restore(None))


def _refuses_deviations(patch: pytest.MonkeyPatch) -> None:
    """As every release before the tolerant reader did."""
    original = key_description.decode

    def decode(extension: bytes) -> KeyDescription:
        read = original(extension)
        if read.deviations or read.hardware.unread:
            raise KeyDescriptionError("KeyDescription", DerProblem.VALUE_UNKNOWN, "a deviation")
        return read

    patch.setattr(key_description, "decode", decode)


def _knows_versions_3_to_400(patch: pytest.MonkeyPatch) -> None:
    original = key_description.decode

    def decode(extension: bytes) -> KeyDescription:
        read = original(extension)
        if not 3 <= read.attestation_version <= 400:
            raise KeyDescriptionError("KeyDescription", DerProblem.VALUE_UNKNOWN, "a version")
        return read

    patch.setattr(key_description, "decode", decode)


def _accepts_no_ml_dsa_evidence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(evidence_token, "_ALGORITHMS", ("ES256", "Ed25519"))


RULES: Final[dict[str, Apply]] = {
    "server: receives the networks of a part in the whole country": _parts_reach_everywhere,
    "server: ignores operator decisions": _ignores_operator_decisions,
    "server: stores no device": _stores_no_device,
    "server: stores no activation": _stores_no_activation,
    "server: trusts every attestation": _trusts_every_attestation,
    "server: records every allow as an activation": _records_every_allow_as_an_activation,
    "server: knows no boot key": _knows_no_boot_key,
    "server: writes no audit entries": _writes_no_audit,
    "server: issues wrong unlock codes": _issues_wrong_codes,
    "server: never increases the serial": _never_increases_serial,
    "server: restores no backup": _restores_no_backup,
    "server: loses its database at a restart": _loses_database_at_restart,
    "server: rotates no key": lambda patch: patch.setattr(KeyAdmin, "rotate", lambda *_, **__: ""),
    "server: revokes no key": lambda patch: patch.setattr(KeyAdmin, "revoke", lambda *_, **__: None),
    "server: activates no policy": lambda patch: patch.setattr(PolicyAdmin, "adopt", lambda *_: None),
    "server: starts no campaign": lambda patch: patch.setattr(PolicyAdmin, "start_campaign", lambda *_: None),
    "server: lifts no campaign": lambda patch: patch.setattr(PolicyAdmin, "lift_campaign", lambda *_: None),
    "server: refuses deviating key descriptions": _refuses_deviations,
    "server: knows key descriptions 3 to 400 only": _knows_versions_3_to_400,
    "server: accepts no evidence signed by ML-DSA": _accepts_no_ml_dsa_evidence,
}
