"""What a policy looks at, reduced to what its conditions can tell apart, and the conditions as predicates of that."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from server_stub.attestation.appraisal import Identity
from server_stub.policy.document import CampaignState, Conditions, Territories, TerritoryClass
from wire.codes import Intent, TrustTier

CAMPAIGN: Final = "campaign "
"""How the name of a campaign's fact begins; the campaign's id follows."""


@dataclass(frozen=True, slots=True)
class ActivationFact:
    """That a phone was activated: in a territory of which class, and how many seconds ago."""

    territory: TerritoryClass
    age: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the rules of one policy can look at. `activation` is None for a phone that was not activated."""

    territory: TerritoryClass
    activation: ActivationFact | None
    sale_region: str
    roaming: bool
    intent: Intent
    identity: Identity
    trust: TrustTier
    terms: str
    campaigns: Mapping[str, CampaignState]

    def value(self, fact: str) -> Any:
        """The fact of that name: a field's name, or `campaign` and an id."""
        if fact.startswith(CAMPAIGN):
            return self.campaigns[fact.removeprefix(CAMPAIGN)]
        return getattr(self, fact)


@dataclass(frozen=True, slots=True)
class Predicate:
    """One condition of a rule. `key` is its key in the document, `fact` what it asks, `wanted` what for, in words."""

    key: str
    fact: str
    wanted: str
    accepts: Callable[[Any], bool]


def classify(territories: Territories, territory: str) -> TerritoryClass:
    """The class of a territory; a part of a country has its country's unless it is listed itself."""
    for name in (territory, territory.partition("-")[0]):
        if name in territories.prohibited:
            return TerritoryClass.PROHIBITED
        if name in territories.no_presence:
            return TerritoryClass.NO_PRESENCE
    return TerritoryClass.ELIGIBLE


def class_of(activation: ActivationFact | None) -> TerritoryClass:
    """The class of where a phone was activated, `none` for one that was not."""
    return TerritoryClass.NONE if activation is None else activation.territory


def predicates_of(when: Conditions) -> tuple[Predicate, ...]:
    """The conditions of a rule, in the order in which they are tried."""
    predicates = [
        Predicate(fact, fact, either(words), frozenset(words).__contains__)
        for fact in ("identity", "intent", "territory", "sale_region", "trust", "terms")
        if (words := getattr(when, fact)) is not None
    ]
    if (refused := when.terms_not) is not None:
        predicates.append(
            Predicate("terms_not", "terms", f"not {either(refused)}", lambda terms: terms not in refused)
        )
    if (roaming := when.roaming) is not None:
        predicates.append(
            Predicate("roaming", "roaming", "yes" if roaming else "no", lambda value: value is roaming)
        )
    predicates += _activation_predicates(when)
    if campaign := when.campaign:
        fact = f"{CAMPAIGN}{campaign.id}"
        predicates.append(
            Predicate("campaign", fact, either(campaign.state), frozenset(campaign.state).__contains__)
        )
    return tuple(predicates)


def _activation_predicates(when: Conditions) -> list[Predicate]:
    predicates = []
    if (classes := when.activation) is not None:
        predicates.append(
            Predicate("activation", "activation", either(classes), lambda one: class_of(one) in classes)
        )
    if (low := when.activation_age_min) is not None:
        wanted = f"{duration(low)} or more"
        predicates.append(
            Predicate(
                "activation_age_min", "activation", wanted, lambda one: one is not None and one.age >= low
            )
        )
    if (high := when.activation_age_max) is not None:
        wanted = f"{duration(high)} or less"
        predicates.append(
            Predicate(
                "activation_age_max", "activation", wanted, lambda one: one is not None and one.age <= high
            )
        )
    return predicates


def either(words: Iterable[str]) -> str:
    """Alternatives in words.

    >>> either(["unknown", "contradictory"])
    'unknown or contradictory'
    """
    return " or ".join(words)


def duration(seconds: int) -> str:
    """Seconds in the largest unit that leaves no rest.

    >>> duration(172_800), duration(5400), duration(0)
    ('2 d', '90 min', '0 s')
    """
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
