"""The facts that the rules of a policy compare, and the conditions of a rule as predicates of these facts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from server_stub.attestation.appraisal import BootKey, Identity
from server_stub.attestation.deviations import Deviation
from server_stub.policy.document import CampaignState, Conditions, TerritoryClass
from wire.codes import Intent, TrustTier

CAMPAIGN: Final = "campaign "
"""Prefix of the name of a campaign's fact, before the campaign's id."""

DEVIATION: Final = "deviation "
"""Prefix of the fact whether an attestation has one deviation, before the deviation's name."""


@dataclass(frozen=True, slots=True)
class ActivationFact:
    """The class of the territory in which a device was activated, and the seconds since then."""

    territory: TerritoryClass
    age: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts that the rules of one policy can compare.

    `activation` is None for a device that was not activated, `roaming` for one that does not know its network.
    """

    territory: TerritoryClass
    activation: ActivationFact | None
    sale_region: str
    roaming: bool | None
    intent: Intent
    identity: Identity
    trust: TrustTier
    boot_key: BootKey
    deviations: frozenset[Deviation]
    terms: str
    campaigns: Mapping[str, CampaignState]

    def value(self, fact: str) -> Any:
        """The fact called `fact`: the name of a field, or `campaign` or `deviation` and an id.

        None for an unknown campaign.
        """
        if fact.startswith(DEVIATION):
            return fact.removeprefix(DEVIATION) in self.deviations
        if fact.startswith(CAMPAIGN):
            return self.campaigns.get(fact.removeprefix(CAMPAIGN))
        return getattr(self, fact)


@dataclass(frozen=True, slots=True)
class Predicate:
    """One condition of a rule. `key` is its key in the document, `fact` the fact that it compares, `wanted` a text."""

    key: str
    fact: str
    wanted: str
    accepts: Callable[[Any], bool]


def class_of(activation: ActivationFact | None) -> TerritoryClass:
    """The class of the territory in which a device was activated, `none` if it was not."""
    return TerritoryClass.NONE if activation is None else activation.territory


def predicates_of(when: Conditions) -> tuple[Predicate, ...]:
    """The conditions of a rule, in the order in which they are evaluated."""
    predicates = [
        Predicate(fact, fact, either(words), frozenset(words).__contains__)
        for fact in ("identity", "intent", "territory", "sale_region", "trust", "boot_key", "terms")
        if (words := getattr(when, fact)) is not None
    ]

    def add(key: str, fact: str, wanted: str, accepts: Callable[[Any], bool]) -> None:
        predicates.append(Predicate(key, fact, wanted, accepts))

    if (names := when.deviations) is not None:
        add("deviations", "deviations", either(names), lambda found: not found.isdisjoint(names))
    if (excluded := when.terms_not) is not None:
        add("terms_not", "terms", f"not {either(excluded)}", lambda terms: terms not in excluded)
    if (roaming := when.roaming) is not None:
        add("roaming", "roaming", "yes" if roaming else "no", lambda value: value is roaming)
    if (classes := when.activation) is not None:
        add("activation", "activation", either(classes), lambda one: class_of(one) in classes)
    if (low := when.activation_age_min) is not None:
        wanted = f"{duration(low)} or more"
        add("activation_age_min", "activation", wanted, lambda one: one is not None and one.age >= low)
    if (high := when.activation_age_max) is not None:
        wanted = f"{duration(high)} or less"
        add("activation_age_max", "activation", wanted, lambda one: one is not None and one.age <= high)
    if campaign := when.campaign:
        fact = f"{CAMPAIGN}{campaign.id}"
        add("campaign", fact, either(campaign.state), frozenset(campaign.state).__contains__)
    return tuple(predicates)


def alternatives_of(when: Conditions) -> tuple[tuple[Predicate, ...], ...]:
    """The conditions of a rule as alternatives, in each of which every predicate is about another fact of the product.

    There is one for each deviation that the rule accepts, so that the sets of deviations are never enumerated.
    """
    predicates = predicates_of(when)
    if when.deviations is None:
        return (predicates,)
    others = tuple(predicate for predicate in predicates if predicate.key != "deviations")
    return tuple(
        (*others, Predicate("deviations", f"{DEVIATION}{name}", "yes", bool)) for name in when.deviations
    )


def either(words: Iterable[str]) -> str:
    """Alternatives as text.

    >>> either(["unknown", "contradictory"])
    'unknown or contradictory'
    """
    return " or ".join(words)


def duration(seconds: int) -> str:
    """Seconds in the largest unit that divides them.

    >>> duration(172_800), duration(5400), duration(0)
    ('2 d', '90 min', '0 s')
    """
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
