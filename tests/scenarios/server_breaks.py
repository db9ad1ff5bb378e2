"""Breaks of the server: signals that it does not look at, things that it forgets, decisions that it does not take."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from lab.backend.managed_server import LabServer
from server_stub.admin import devices
from server_stub.admin.devices import DeviceAdmin
from server_stub.admin.keys import KeyAdmin
from server_stub.admin.policies import PolicyAdmin
from server_stub.attestation.appraisal import Identity, Result
from server_stub.policy.document import CampaignState, Message, Rule
from server_stub.policy.policy import Case, Period, Policy
from server_stub.store.transaction import SqlTransaction
from server_stub.territory.judgement import Status, judge
from server_stub.territory.signals import Source, signals_of
from server_stub.verdicts import appraiser, records, service
from server_stub.verdicts.claims import build_verdict
from wire.codes import Decision, MessageKey, Reason, TrustTier

Apply = Callable[[pytest.MonkeyPatch], None]


HEARD: Final = tuple(source for source in Source if source not in (Source.LAST_NETWORK, Source.REGISTRATION))
"""What phones of the lab tell. Their modems name the network that they hear, and remember none."""


def made() -> Iterator[tuple[str, Apply]]:
    """By name."""
    for source in HEARD:
        yield f"server: is told no {source}", _without_signal(source)
    for state in CampaignState:
        yield f"server: takes every campaign to be {state}", _campaigns_are(state)
    for rule in FORCED:
        yield f"server: decides {rule.decision} always", _always(rule)
    for name, changes in VERDICTS.items():
        yield f"server: {name}", _verdicts(changes)
    for name, change in CASES.items():
        yield f"server: {name}", _cases(change)
    yield from RULES.items()


def _without_signal(source: Source) -> Apply:
    def signals(*args: Any) -> list[Any]:
        return [signal for signal in signals_of(*args) if signal.source is not source]

    return lambda patch: patch.setattr(appraiser, "signals_of", signals)


def _campaigns_are(state: CampaignState) -> Apply:
    return lambda patch: patch.setattr(Period, "state", lambda *_: state)


FORCED: Final = (
    Rule(
        id="forced",
        decision=Decision.ALLOW,
        reason=Reason.TERRITORY_ELIGIBLE,
        message=Message(key=MessageKey.ACTIVATED),
        check_in=86_400,
        offline_limit=7_776_000,
    ),
    Rule(
        id="forced",
        decision=Decision.DENY,
        reason=Reason.OPERATOR_DECISION,
        message=Message(key=MessageKey.UNDER_INVESTIGATION),
        case=True,
        check_in=86_400,
    ),
    Rule(
        id="forced",
        decision=Decision.DEFER,
        reason=Reason.TERRITORY_CONTRADICTORY,
        message=Message(key=MessageKey.TRY_LATER),
        retry_after=900,
    ),
)


def _always(rule: Rule) -> Apply:
    return lambda patch: patch.setattr(Policy, "decide", lambda *_: rule)


VERDICTS: Final[dict[str, dict[str, Any]]] = {
    "gives no case numbers": {"case": None},
    "names no territory": {"territory": None},
    "asks for a check-in once a year": {"check_in": 365 * 86_400},
    "sets no offline limit": {"offline_limit": None},
    "says nothing in its messages": {"message": None},
    "names another rule": {"policy_rule": "another"},
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


def _without_contradiction(case: Case) -> Case:
    if case.judgement.status is not Status.CONTRADICTORY:
        return case
    return replace(case, judgement=judge(()))


CASES: Final[dict[str, Callable[[Case], Case]]] = {
    "forgets where phones were activated": lambda case: replace(case, activation=None),
    "takes everybody's terms for the newest": lambda case: replace(case, terms="2031-01"),
    "takes strangers for phones that it knows": lambda case: replace(case, identity=Identity.ATTESTED),
    "knows nobody": lambda case: replace(case, identity=Identity.UNATTESTED),
    "takes a contradiction for silence": _without_contradiction,
}


def _cases(change: Callable[[Case], Case]) -> Apply:
    return lambda patch: patch.setattr(service, "case_of", lambda *args: change(records.case_of(*args)))


def _ignores_operators(patch: pytest.MonkeyPatch) -> None:
    def device(*args: Any) -> Any:
        known = records.device_of(*args)
        return replace(known, override=None) if known else None

    patch.setattr(service, "device_of", device)


def _remembers_no_phone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SqlTransaction, "remember", lambda *_: None)


def _remembers_no_activation(patch: pytest.MonkeyPatch) -> None:
    def after(*args: Any) -> Any:
        return replace(records.device_after(*args), activation=None)

    patch.setattr(service, "device_after", after)


def _trusts_everybody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Result, "tier", TrustTier.AFFIRMING)


def _audits_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SqlTransaction, "append_audit", lambda *_: None)


def _gives_wrong_codes(patch: pytest.MonkeyPatch) -> None:
    code = DeviceAdmin.unlock_code

    def wrong(self: DeviceAdmin, *args: Any, **more: Any) -> Any:
        right = code(self, *args, **more)
        return replace(right, token=right.token[:-8] + "AAAAAAAA")

    patch.setattr(DeviceAdmin, "unlock_code", wrong)


def _counts_no_serial(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(service, "next_serial", lambda *_: 1)


def _restores_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LabServer, "restore", lambda *_: None)


def _forgets_at_a_restart(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LabServer, "restart", lambda self: self.restore(None))


RULES: Final[dict[str, Apply]] = {
    "server: does not do what operators decided": _ignores_operators,
    "server: remembers no phone": _remembers_no_phone,
    "server: remembers no activation": _remembers_no_activation,
    "server: trusts everybody": _trusts_everybody,
    "server: audits nothing": _audits_nothing,
    "server: gives wrong unlock codes": _gives_wrong_codes,
    "server: counts no serial": _counts_no_serial,
    "server: restores nothing": _restores_nothing,
    "server: forgets everything at a restart": _forgets_at_a_restart,
    "server: rotates no key": lambda patch: patch.setattr(KeyAdmin, "rotate", lambda *_, **__: ""),
    "server: revokes no key": lambda patch: patch.setattr(KeyAdmin, "revoke", lambda *_, **__: None),
    "server: puts no policy in force": lambda patch: patch.setattr(PolicyAdmin, "adopt", lambda *_: None),
    "server: starts no campaign": lambda patch: patch.setattr(PolicyAdmin, "start_campaign", lambda *_: None),
    "server: lifts no campaign": lambda patch: patch.setattr(PolicyAdmin, "lift_campaign", lambda *_: None),
}
