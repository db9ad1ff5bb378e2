"""Simulation of a policy draft on the devices in the store, without changing anything.

Each device is judged as if it checked in now from its last known location, by the policy in force and by the draft.
If no policy is in force, the newest verdict is used in place of the former. Devices with an operator's decision keep
it, and devices that never sent evidence, or whose evidence was pruned, are only counted.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from server_stub.policy.policy import Policy
from server_stub.store.reading import Reading, every_device
from server_stub.store.records import Device, VerdictRecord
from server_stub.verdicts.policy_in_force import loaded
from server_stub.verdicts.records import case_again
from wire.codes import Decision

LISTED_MAX: Final = 1000
"""How many changed devices a simulation lists by default."""

_LOOKED_BACK: Final = 8
"""How many of the newest verdicts are searched for one that answers evidence; the others are unlock codes."""


@dataclass(frozen=True, slots=True)
class DeviceComparison:
    """The decision about one device by the policy in force (`now`) and by the draft (`then`), with the rules.

    `territory` and `activation` are classes of territory.
    """

    sub: str
    territory: str
    activation: str
    sale_region: str
    now: Decision
    now_rule: str
    then: Decision
    then_rule: str

    @property
    def changed(self) -> bool:
        """Whether the two decisions differ."""
        return self.now is not self.then


@dataclass(slots=True)
class PolicySimulation:
    """Counts of devices. Keys of `by_...` end with the decision now and the decision then.

    `changed` are the first of the devices whose decision differs, by pseudonym.
    """

    draft: str
    against: str | None
    at: int
    devices: int = 0
    overridden: int = 0
    unheard: int = 0
    pruned: int = 0
    decisions: Counter[tuple[Decision, Decision]] = field(default_factory=Counter)
    by_territory: Counter[tuple[str, Decision, Decision]] = field(default_factory=Counter)
    by_activation: Counter[tuple[str, Decision, Decision]] = field(default_factory=Counter)
    by_sale_region: Counter[tuple[str, Decision, Decision]] = field(default_factory=Counter)
    changed: list[DeviceComparison] = field(default_factory=list)

    def count(self, comparison: DeviceComparison, max_listed: int | None) -> None:
        """Add one device."""
        pair = (comparison.now, comparison.then)
        self.decisions[pair] += 1
        self.by_territory[(comparison.territory, *pair)] += 1
        self.by_activation[(comparison.activation, *pair)] += 1
        self.by_sale_region[(comparison.sale_region, *pair)] += 1
        if comparison.changed and (max_listed is None or len(self.changed) < max_listed):
            self.changed.append(comparison)

    def as_json(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "draft": self.draft,
            "against": self.against,
            "at": self.at,
            "devices": self.devices,
            "overridden": self.overridden,
            "unheard": self.unheard,
            "pruned": self.pruned,
            "changed": sum(count for (now, then), count in self.decisions.items() if now is not then),
            "decisions": _rows(self.decisions, ("now", "then")),
            "by_territory": _rows(self.by_territory, ("territory", "now", "then")),
            "by_activation": _rows(self.by_activation, ("activation", "now", "then")),
            "by_sale_region": _rows(self.by_sale_region, ("sale_region", "now", "then")),
            "list": [
                {name: getattr(value, "value", value) for name, value in asdict(each).items()}
                for each in self.changed
            ],
        }


def _rows(counts: Counter[Any], names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {
            **{name: getattr(value, "value", value) for name, value in zip(names, key, strict=True)},
            "devices": count,
        }
        for key, count in sorted(counts.items())
    ]


def simulate(
    reading: Reading, draft: Policy, at: int, *, max_listed: int | None = LISTED_MAX
) -> PolicySimulation:
    """Judge every device by `draft` at the time `at`, listing at most `max_listed` changed devices."""
    current = loaded(reading)
    result = PolicySimulation(_name(draft), _name(current) if current else None, at)
    for device in every_device(reading):
        result.devices += 1
        records = reading.history(device.sub, limit=_LOOKED_BACK).items
        newest = next((record for record in records if record.inputs), None)
        if device.override:
            result.overridden += 1
        elif newest is None and any(record.inputs_pruned_at for record in records):
            result.pruned += 1
        elif newest is None:
            result.unheard += 1
        else:
            result.count(_compare(device, newest, current, draft, at), max_listed)
    return result


def _name(policy: Policy) -> str:
    return f"{policy.document.id}/{policy.document.version}"


def _compare(
    device: Device, newest: VerdictRecord, current: Policy | None, draft: Policy, at: int
) -> DeviceComparison:
    now, now_rule = newest.verdict.decision, newest.verdict.policy.rule
    if current:
        rule = current.decide(case_again(device, newest, current, at))
        now, now_rule = rule.decision, rule.id
    case = case_again(device, newest, draft, at)
    then = draft.decide(case)
    return DeviceComparison(
        sub=device.sub,
        territory=draft.facts(case).territory,
        activation=draft.classify_activation(case.activation),
        sale_region=case.sale_region,
        now=now,
        now_rule=now_rule,
        then=then.decision,
        then_rule=then.id,
    )
