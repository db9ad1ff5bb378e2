"""Why a policy decides as it does: every rule that was tried, and which of its conditions failed and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server_stub.policy.document import CampaignState, Rule, TerritoryClass
from server_stub.policy.facts import ActivationFact, Facts, Predicate, class_of, duration
from server_stub.policy.policy import Policy


@dataclass(frozen=True, slots=True)
class Checked:
    """One condition: its key in the document, what it wants, what is the case, and whether it holds."""

    key: str
    wanted: str
    found: str
    holds: bool


@dataclass(frozen=True, slots=True)
class RuleEvaluation:
    """One rule with all its conditions. It matches where all of them hold."""

    rule: Rule
    conditions: tuple[Checked, ...]

    @property
    def matches(self) -> bool:
        """Whether this rule decides, once it is tried."""
        return all(each.holds for each in self.conditions)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The evaluations in order, up to the one that decides, and the rules after it, which were not tried."""

    facts: Facts
    evaluations: tuple[RuleEvaluation, ...]
    untried: tuple[Rule, ...]

    @property
    def rule(self) -> Rule:
        """The rule that decides."""
        return self.evaluations[-1].rule


def explain(policy: Policy, facts: Facts) -> Explanation:
    """Try the rules on `facts`, one after the other, as `Policy.decide_by` does, and say what each one saw."""
    evaluations = []
    for rule, predicates in policy.predicates:
        evaluations.append(
            RuleEvaluation(rule, tuple(_checked(predicate, facts) for predicate in predicates))
        )
        if evaluations[-1].matches:
            break
    return Explanation(facts, tuple(evaluations), policy.document.rules[len(evaluations) :])


def _checked(predicate: Predicate, facts: Facts) -> Checked:
    value = facts.value(predicate.fact)
    found = _age(value) if predicate.key.startswith("activation_age") else told(value)
    return Checked(predicate.key, predicate.wanted, found, predicate.accepts(value))


def _age(activation: ActivationFact | None) -> str:
    return "not activated" if activation is None else duration(activation.age)


def told(value: Any) -> str:
    """A fact in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, ActivationFact):
        return class_of(value).value
    return str(value) or "none given"


def as_words(facts: Facts) -> Mapping[str, str]:
    """All facts in words, by the keys of conditions."""
    campaigns: Mapping[str, CampaignState] = facts.campaigns
    age = {} if facts.activation is None else {"activation_age": duration(facts.activation.age)}
    return {
        "identity": facts.identity.value,
        "intent": facts.intent.value,
        "territory": TerritoryClass(facts.territory).value,
        "activation": told(facts.activation),
        **age,
        "sale_region": facts.sale_region,
        "roaming": told(facts.roaming),
        "trust": facts.trust.value,
        "terms": told(facts.terms),
        **{f"campaign {name}": state.value for name, state in campaigns.items()},
    }
