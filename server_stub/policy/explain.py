"""Why a policy decides as it does: each rule that was evaluated, with the result of each of its conditions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server_stub.policy.document import Rule
from server_stub.policy.facts import ActivationFact, Facts, class_of, duration
from server_stub.policy.policy import Policy


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """One condition: its key in the document, the wanted value, the actual value, and whether it holds."""

    key: str
    wanted: str
    found: str
    holds: bool


@dataclass(frozen=True, slots=True)
class RuleEvaluation:
    """One rule with all its conditions. It matches if all of them hold."""

    rule: Rule
    conditions: tuple[ConditionResult, ...]

    @property
    def matches(self) -> bool:
        """Whether this rule decides when it is evaluated."""
        return all(each.holds for each in self.conditions)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The evaluations in order, up to the rule that decides, and the rules after it, which were not evaluated."""

    facts: Facts
    evaluations: tuple[RuleEvaluation, ...]
    untried: tuple[Rule, ...]

    @property
    def rule(self) -> Rule:
        """The rule that decides."""
        return self.evaluations[-1].rule


def explain(policy: Policy, facts: Facts) -> Explanation:
    """Evaluate the rules on `facts` in order, as `Policy.decide_by` does, and record every condition."""
    evaluations: list[RuleEvaluation] = []
    for rule, predicates in policy.predicates:
        conditions = []
        for predicate in predicates:
            value = facts.value(predicate.fact)
            found = fact_text(value)
            if predicate.key.startswith("activation_age"):
                found = "not activated" if value is None else duration(value.age)
            conditions.append(
                ConditionResult(predicate.key, predicate.wanted, found, predicate.accepts(value))
            )
        evaluations.append(RuleEvaluation(rule, tuple(conditions)))
        if evaluations[-1].matches:
            break
    return Explanation(facts, tuple(evaluations), policy.document.rules[len(evaluations) :])


def fact_text(value: Any) -> str:
    """A fact as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, ActivationFact):
        return class_of(value).value
    return str(value) or "none given"


def as_words(facts: Facts) -> Mapping[str, str]:
    """All facts as text, by the keys of conditions."""
    age = {} if facts.activation is None else {"activation_age": duration(facts.activation.age)}
    return {
        "identity": facts.identity.value,
        "intent": facts.intent.value,
        "territory": facts.territory.value,
        "activation": fact_text(facts.activation),
        **age,
        "sale_region": facts.sale_region,
        "roaming": fact_text(facts.roaming),
        "trust": facts.trust.value,
        "terms": fact_text(facts.terms),
        **{f"campaign {name}": state.value for name, state in facts.campaigns.items()},
    }
