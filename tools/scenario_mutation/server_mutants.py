"""Mutants of the server: signals that it ignores, records that it does not keep, decisions that it does not take."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from lab.backend.managed_server import LabServer
from lab.model_check.memoized_step import Replaced
from server_stub.admin import devices
from server_stub.admin.devices import DeviceAdmin
from server_stub.admin.keys import KeyAdmin
from server_stub.admin.policies import PolicyAdmin
from server_stub.attestation import key_description
from server_stub.attestation.appraisal import AppraisedClaim, Identity
from server_stub.attestation.der import DerProblem
from server_stub.attestation.key_description import KeyDescription, KeyDescriptionError, decode
from server_stub.evidence import evidence_token
from server_stub.policy.document import CampaignState
from server_stub.policy.overrides import RULES as DECISIONS
from server_stub.policy.policy import UNKNOWN_REGION, Period, Policy, PolicyInput
from server_stub.store.transaction import Transaction
from server_stub.territory.judgement import JudgementStatus, judge
from server_stub.territory.signals import Signal, Source, signals_of
from server_stub.verdicts import appraiser, records, service
from server_stub.verdicts.claims import build_verdict
from wire.codes import Decision, Intent, TrustTier

SOURCES: Final = tuple(
    source for source in Source if source not in (Source.LAST_NETWORK, Source.REGISTRATION)
)
"""The signals that devices of the lab send: their modems report the received network, and store none."""


def all_by_name() -> Iterator[tuple[str, list[Replaced]]]:
    """What is wrong with the server, and the parts that are exchanged for it."""
    for source in SOURCES:
        yield f"ignores signal {source}", [(appraiser, "signals_of", _signals_without(source))]
    for state in CampaignState:
        yield f"treats every campaign as {state}", [(Period, "state", _returning(state))]
    for decision in (Decision.ALLOW, Decision.DENY, Decision.DEFER):
        yield f"always decides {decision}", [(Policy, "decide", _returning(DECISIONS[decision]))]
    for name, changes in VERDICTS.items():
        composed = _verdicts_with(changes)
        yield name, [(module, "build_verdict", composed) for module in (service, devices)]
    for name, change in CASES.items():
        yield name, [(service, "case_of", _cases_after(change))]
    yield from ((name, [part]) for name, part in RULES.items())


def _returning(value: object) -> Callable[..., Any]:
    return lambda *_, **__: value


def _signals_without(source: Source) -> Callable[..., list[Signal]]:
    return lambda *args: [signal for signal in signals_of(*args) if signal.source is not source]


def _signals_with_wide_parts(*args: Any) -> list[Signal]:
    def widened(position: Signal, found: Sequence[Signal]) -> Signal:
        parts = {each.territory for each in found if each.territory and "-" in each.territory}
        near = {part for part in parts if part.partition("-")[0] == position.territory}
        return replace(position, nearby=position.nearby | near)

    found = signals_of(*args)
    return [widened(each, found) if each.source is Source.POSITION else each for each in found]


VERDICTS: Final[dict[str, dict[str, Any]]] = {
    "sends no case numbers": {"case": None},
    "sends no territory": {"territory": None},
    "requests a check-in once a year": {"check_in": 365 * 86_400},
    "sets no offline limit": {"offline_limit": None},
    "sends no messages": {"message": None},
    "sends the name of another rule": {"policy_rule": "another"},
}


def _verdicts_with(changes: dict[str, Any]) -> Callable[..., Any]:
    def composed(*args: Any, **more: Any) -> Any:
        whole = build_verdict(*args, **more)
        wanted = {name: value for name, value in changes.items() if getattr(whole, name, None) is not None}
        if "policy_rule" in changes:
            wanted["policy"] = whole.policy.model_copy(update={"rule": changes["policy_rule"]})
        return whole.model_copy(update=wanted)

    return composed


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


def _cases_after(change: Callable[[PolicyInput], PolicyInput]) -> Callable[..., PolicyInput]:
    return lambda *args: change(records.case_of(*args))


def _devices_without_overrides(*args: Any) -> Any:
    known = records.devices_of(*args)
    return {sub: replace(device, override=None) for sub, device in known.items()}


def _device_after_any_allow(device: Any, verdict: Any, evidence: Any) -> Any:
    affirmed = verdict.model_copy(update={"trust": TrustTier.AFFIRMING})
    return records.device_after(device, affirmed, evidence)


_unlock_code = DeviceAdmin.unlock_code


def _wrong_code(self: DeviceAdmin, *args: Any, **more: Any) -> Any:
    right = _unlock_code(self, *args, **more)
    return replace(right, token=right.token[:-8] + "AAAAAAAA")


def _description_if(accepted: Callable[[KeyDescription], bool]) -> Callable[[bytes], KeyDescription]:
    """The decoder that refuses descriptions which are not `accepted`."""

    def decode_some(extension: bytes) -> KeyDescription:
        read = decode(extension)
        if not accepted(read):
            raise KeyDescriptionError("KeyDescription", DerProblem.VALUE_UNKNOWN, "not accepted")
        return read

    return decode_some


RULES: Final[dict[str, Replaced]] = {
    "receives the networks of a part in the whole country": (
        appraiser,
        "signals_of",
        _signals_with_wide_parts,
    ),
    "ignores operator decisions": (service, "devices_of", _devices_without_overrides),
    "stores no device": (Transaction, "put_devices", _returning(None)),
    "stores no activation": (
        service,
        "device_after",
        lambda *args: replace(records.device_after(*args), activation=None),
    ),
    "trusts every attestation": (AppraisedClaim, "tier", TrustTier.AFFIRMING),
    "records every allow as an activation": (service, "device_after", _device_after_any_allow),
    "knows no boot key": (appraiser.Appraised, "knowing", lambda self, _: self),
    "writes no audit entries": (Transaction, "append_audit", _returning(None)),
    "issues wrong unlock codes": (DeviceAdmin, "unlock_code", _wrong_code),
    "never increases the serial": (service, "next_serial", _returning(1)),
    "restores no backup": (LabServer, "restore", _returning(None)),
    "loses its database at a restart": (LabServer, "restart", lambda self: self.restore(None)),
    "rotates no key": (KeyAdmin, "rotate", _returning("")),
    "revokes no key": (KeyAdmin, "revoke", _returning(None)),
    "activates no policy": (PolicyAdmin, "adopt", _returning(None)),
    "starts no campaign": (PolicyAdmin, "start_campaign", _returning(None)),
    "lifts no campaign": (PolicyAdmin, "lift_campaign", _returning(None)),
    # As every release before the tolerant reader did.
    "refuses deviating key descriptions": (
        key_description,
        "decode",
        _description_if(lambda read: not read.deviations and not read.hardware.unread),
    ),
    "knows key descriptions 3 to 400 only": (
        key_description,
        "decode",
        _description_if(lambda read: 3 <= read.attestation_version <= 400),
    ),
    "accepts no evidence signed by ML-DSA": (evidence_token, "_ALGORITHMS", ("ES256", "Ed25519")),
}
