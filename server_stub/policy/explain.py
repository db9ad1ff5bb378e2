"""Why a policy decides as it does: each rule that was evaluated, with the result of each of its conditions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from server_stub.policy.document import Rule
from server_stub.policy.facts import CAMPAIGN, Facts, class_of, duration
from server_stub.policy.policy import Policy

_FACTS: Final = (
    *("identity", "intent", "territory", "activation", "sale_region", "roaming"),
    *("trust", "boot_key", "deviations", "terms"),
)
"""The facts apart from campaigns, in the order in which they are shown."""


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
            found = fact_text(predicate.fact, value)
            if predicate.key.startswith("activation_age"):
                found = "not activated" if value is None else duration(value.age)
            conditions.append(
                ConditionResult(predicate.key, predicate.wanted, found, predicate.accepts(value))
            )
        evaluations.append(RuleEvaluation(rule, tuple(conditions)))
        if evaluations[-1].matches:
            break
    return Explanation(facts, tuple(evaluations), policy.document.rules[len(evaluations) :])


def fact_text(fact: str, value: Any) -> str:
    """The value of a fact as text."""
    if fact == "activation":
        return class_of(value).value
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "none"
    return str(value) or "none given"


def as_words(facts: Facts) -> Mapping[str, str]:
    """All facts as text, by the keys of conditions."""
    words = {}
    for fact in _FACTS:
        words[fact] = fact_text(fact, facts.value(fact))
        if fact == "activation" and facts.activation:
            words["activation_age"] = duration(facts.activation.age)
    return words | {f"{CAMPAIGN}{name}": state.value for name, state in facts.campaigns.items()}
