"""How `activation policy` shows what it found, to people and to machines."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.table import Table

from server_stub.admin.policy_simulation import PolicySimulation
from server_stub.policy.diff import Difference, RuleChange
from server_stub.policy.document import Rule
from server_stub.policy.explain import ConditionResult, Explanation, RuleEvaluation, as_words
from server_stub.policy.facts import duration
from server_stub.policy.policy import Policy

_ALWAYS: Final[Mapping[str, Sequence[str]]] = {"always": ()}


def explanation_json(policy: Policy, explanation: Explanation, at: int) -> dict[str, Any]:
    """An explanation for machines."""
    return {
        "policy": {"id": policy.document.id, "version": policy.document.version},
        "at": at,
        "facts": dict(as_words(explanation.facts)),
        "rules": [
            *(_trial_json(trial) for trial in explanation.evaluations),
            *(
                {"id": rule.id, "tried": False, "matches": None, "conditions": []}
                for rule in explanation.untried
            ),
        ],
        "decision": outcome(explanation.rule),
    }


def _trial_json(trial: RuleEvaluation) -> dict[str, Any]:
    return {
        "id": trial.rule.id,
        "tried": True,
        "matches": trial.matches,
        "conditions": [
            {"key": one.key, "wanted": one.wanted, "found": one.found, "holds": one.holds}
            for one in trial.conditions
        ],
    }


def outcome(rule: Rule) -> dict[str, Any]:
    """What a rule tells the phone, for machines."""
    told = rule.model_dump(mode="json", exclude={"id", "when"}, exclude_none=True)
    return {"rule": rule.id, **told}


def explanation(policy: Policy, explanation: Explanation, at: int) -> Iterator[Any]:
    """An explanation for people."""
    document = policy.document
    yield f"{document.id} version {document.version}, on {_date(at)}: {document.title}"
    yield ""
    facts = as_words(explanation.facts)
    yield _grid((name, value) for name, value in facts.items())
    yield ""
    yield _grid(
        (f"{'->' if trial.matches else '  '} {trial.rule.id}", _why(trial))
        for trial in explanation.evaluations
    )
    if explanation.untried:
        count = len(explanation.untried)
        yield f"   {count} more {'rule is' if count == 1 else 'rules are'} not tried."
    yield ""
    yield _grid((name, str(value)) for name, value in _told(explanation.rule))


def _why(trial: RuleEvaluation) -> str:
    if not trial.conditions:
        return "matches every phone"
    if trial.matches:
        return "matches: " + "; ".join(f"{one.key} is {one.found}" for one in trial.conditions)
    return "; ".join(_failed(one) for one in trial.conditions if not one.holds)


def _failed(one: ConditionResult) -> str:
    key = "activation age" if one.key.startswith("activation_age") else one.key
    return f"{key} is {one.found}, wanted {one.wanted}"


def _told(rule: Rule) -> Iterator[tuple[str, str]]:
    yield "decision", f"{rule.decision.value}, because {rule.reason.value}"
    if rule.message:
        args = ", ".join(f"{name} = {source.value}" for name, source in rule.message.args.items())
        yield "message", f"{rule.message.key.value}{f' ({args})' if args else ''}"
    for name in ("check_in", "offline_limit", "retry_after"):
        if (seconds := getattr(rule, name)) is not None:
            yield name.replace("_", " "), duration(seconds)
    if rule.not_before_lock:
        yield "not before lock", rule.not_before_lock.isoformat()


def difference_json(
    old: Policy, new: Policy, found: Difference, shown: Sequence[RuleChange]
) -> dict[str, Any]:
    """A comparison for machines."""
    return {
        "old": {"id": old.document.id, "version": old.document.version},
        "new": {"id": new.document.id, "version": new.document.version},
        "combinations": found.combinations,
        "decisions_changed": sum(change.combinations for change in found.decisions),
        "changes": [
            {
                "where": {fact: list(words) for fact, words in change.where.items()},
                "differs": list(change.differs),
                "combinations": change.combinations,
                "old": outcome(change.old),
                "new": outcome(change.new),
            }
            for change in shown
        ],
    }


def difference(found: Difference, *, details: bool) -> Iterator[Any]:
    """A comparison for people: in as few rows as may be, or with `details` by the rules that decide."""
    for change in found.changes if details else ():
        yield from _block(" -> ".join(_deciding((rule,)) for rule in (change.old, change.new)), change.where)
        if "decision" not in change.differs:
            yield _grid((f"    {name} changes", _values(change, name)) for name in change.differs)
        yield ""
    for row in () if details else found.rows:
        yield from _block(" -> ".join(map(_deciding, (row.old, row.new))), row.where)
        yield ""
    changed = sum(change.combinations for change in found.decisions)
    yield f"The decision changes in {changed} of {found.combinations} combinations of facts."
    if not details and len(found.changes) > len(found.decisions):
        yield "In others the decision stays, and its reason, message or times change; --details shows them too."


def _deciding(rules: Sequence[Rule]) -> str:
    return f"{rules[0].decision.value} ({', '.join(rule.id for rule in rules)})"


def _block(title: str, where: Mapping[str, Sequence[str]]) -> Iterator[Any]:
    yield title
    yield _grid((f"    {fact}", " | ".join(words)) for fact, words in (where or _ALWAYS).items())


def _values(change: RuleChange, name: str) -> str:
    return " -> ".join(_value(outcome(rule).get(name)) for rule in (change.old, change.new))


def _value(value: Any) -> str:
    return str(value["key"]) if isinstance(value, dict) else "none" if value is None else str(value)


def simulation(result: PolicySimulation, *, listed: bool) -> Iterator[Any]:
    """A simulation for people."""
    told = result.as_json()
    against = f"what is in force ({result.against})" if result.against else "the newest verdicts"
    yield f"{result.draft} against {against}, on {_date(result.at)}"
    yield f"{told['changed']} of {result.devices} devices would be decided about otherwise."
    if result.overridden:
        yield f"{result.overridden} stay as an operator decided."
    if result.unheard:
        yield f"{result.unheard} never asked, so that nothing can be said of them."
    for title, rows in (
        ("decision", told["decisions"]),
        ("territory now", told["by_territory"]),
        ("activated in", told["by_activation"]),
        ("sold in", told["by_sale_region"]),
    ):
        if rows:
            yield ""
            yield _counts(title, rows)
    if listed:
        yield ""
        yield _grid(
            (each["sub"], f"{each['now']} ({each['now_rule']}) -> {each['then']} ({each['then_rule']})")
            for each in told["list"]
        )


def _counts(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in (title, "now", "then"):
        table.add_column(heading)
    table.add_column("devices", justify="right")
    for row in rows:
        first = (
            next(iter(row.values())) if len(row) > 3 else ("same" if row["now"] == row["then"] else "changes")
        )
        table.add_row(str(first), row["now"], row["then"], str(row["devices"]))
    return table


def _grid(rows: Any) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _date(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
