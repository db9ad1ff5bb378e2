"""What a draft of a policy would do to the devices that the store knows: nothing is changed, everybody is judged twice.

Each device is judged as if it checked in now from where it was when it last asked, by the policy in force and by
the draft. Where nothing is in force its newest verdict stands for the former. Devices that an operator decided about
stay as they are, and of those that never asked nothing can be said.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from server_stub.attestation.appraisal import Identity
from server_stub.policy.document import TerritoryClass
from server_stub.policy.policy import Policy, PolicyInput
from server_stub.store.records import PAGE_MAX, Device, DeviceQuery, Reading, VerdictRecord
from server_stub.territory.judgement import Judgement, JudgementStatus
from server_stub.verdicts.policy_in_force import loaded
from wire.codes import Decision, Intent, Registration

LISTED_MAX: Final = 1000
"""How many changed devices a simulation lists unless it is asked for more."""

_LOOKED_BACK: Final = 8
"""Among so many newest verdicts one answers evidence; the others are unlock codes."""


@dataclass(frozen=True, slots=True)
class DeviceComparison:
    """What is decided about one device now and what the draft would decide then, each with the rule."""

    sub: str
    territory: TerritoryClass
    activation: TerritoryClass
    sale_region: str
    now: Decision
    now_rule: str
    then: Decision
    then_rule: str

    @property
    def changed(self) -> bool:
        """Whether the draft decides otherwise."""
        return self.now is not self.then


@dataclass(slots=True)
class PolicySimulation:
    """Counts of devices. Keys of `by_...` end with the decision now and the decision then.

    `changed` are the first devices of those that the draft decides otherwise about, by pseudonym.
    """

    draft: str
    against: str | None
    at: int
    devices: int = 0
    overridden: int = 0
    unheard: int = 0
    decisions: Counter[tuple[Decision, Decision]] = field(default_factory=Counter)
    by_territory: Counter[tuple[str, Decision, Decision]] = field(default_factory=Counter)
    by_activation: Counter[tuple[str, Decision, Decision]] = field(default_factory=Counter)
    by_sale_region: Counter[tuple[str, Decision, Decision]] = field(default_factory=Counter)
    changed: list[DeviceComparison] = field(default_factory=list)

    def count(self, comparison: DeviceComparison, max_listed: int | None) -> None:
        """Take one device into account."""
        pair = (comparison.now, comparison.then)
        self.decisions[pair] += 1
        self.by_territory[(comparison.territory.value, *pair)] += 1
        self.by_activation[(comparison.activation.value, *pair)] += 1
        self.by_sale_region[(comparison.sale_region, *pair)] += 1
        if comparison.changed and (max_listed is None or len(self.changed) < max_listed):
            self.changed.append(comparison)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "draft": self.draft,
            "against": self.against,
            "at": self.at,
            "devices": self.devices,
            "overridden": self.overridden,
            "unheard": self.unheard,
            "changed": sum(count for (now, then), count in self.decisions.items() if now is not then),
            "decisions": [_row(None, *key, count) for key, count in sorted(self.decisions.items())],
            "by_territory": [
                _row("territory", *key, count) for key, count in sorted(self.by_territory.items())
            ],
            "by_activation": [
                _row("activation", *key, count) for key, count in sorted(self.by_activation.items())
            ],
            "by_sale_region": [
                _row("sale_region", *key, count) for key, count in sorted(self.by_sale_region.items())
            ],
            "list": [
                {
                    "sub": each.sub,
                    "territory": each.territory.value,
                    "activation": each.activation.value,
                    "sale_region": each.sale_region,
                    "now": each.now.value,
                    "now_rule": each.now_rule,
                    "then": each.then.value,
                    "then_rule": each.then_rule,
                }
                for each in self.changed
            ],
        }


def _row(what: str | None, *columns: Any) -> dict[str, Any]:
    names = [*([what] if what else []), "now", "then", "devices"]
    return {name: getattr(value, "value", value) for name, value in zip(names, columns, strict=True)}


def simulate(
    reading: Reading, draft: Policy, at: int, *, max_listed: int | None = LISTED_MAX
) -> PolicySimulation:
    """Judge every device by `draft` at the time `at`, listing at most `max_listed` changed devices."""
    current = loaded(reading)
    result = PolicySimulation(_name(draft), _name(current) if current else None, at)
    for device in _devices(reading):
        result.devices += 1
        newest = _newest(reading, device)
        if device.override:
            result.overridden += 1
        elif newest is None:
            result.unheard += 1
        else:
            result.count(_compare(device, newest, current, draft, at), max_listed)
    return result


def _name(policy: Policy) -> str:
    return f"{policy.document.id}/{policy.document.version}"


def _devices(reading: Reading) -> Iterator[Device]:
    after = None
    while True:
        page = reading.devices(DeviceQuery(), after=after, limit=PAGE_MAX)
        yield from page.items
        after = page.next
        if after is None:
            return


def _newest(reading: Reading, device: Device) -> VerdictRecord | None:
    """The newest verdict that answered evidence."""
    return next(
        (record for record in reading.history(device.sub, limit=_LOOKED_BACK).items if record.inputs), None
    )


def _compare(
    device: Device, newest: VerdictRecord, current: Policy | None, draft: Policy, at: int
) -> DeviceComparison:
    case = _case(device, newest, at)
    now, now_rule = newest.verdict.decision, newest.verdict.policy.rule
    if current:
        rule = current.decide(case)
        now, now_rule = rule.decision, rule.id
    facts, then = draft.facts(case), draft.decide(case)
    return DeviceComparison(
        sub=device.sub,
        territory=facts.territory,
        activation=draft.classify_activation(case.activation),
        sale_region=case.sale_region,
        now=now,
        now_rule=now_rule,
        then=then.decision,
        then_rule=then.id,
    )


def _case(device: Device, newest: VerdictRecord, at: int) -> PolicyInput:
    """The next check-in of a device, as far as its newest verdict tells."""
    judged = newest.judgement
    registration = newest.inputs["telephony"]["serving"]["registration"]
    return PolicyInput(
        judgement=Judgement(
            JudgementStatus(judged["status"]), judged.get("territory"), str(judged["explanation"])
        ),
        intent=Intent.CHECK_IN,
        activation=device.activation,
        identity=Identity.ATTESTED,
        trust=newest.verdict.trust,
        terms=newest.inputs["terms"]["version"],
        now=at,
        sale_region=device.sale_region,
        roaming=registration == Registration.ROAMING,
    )
