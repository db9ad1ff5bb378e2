"""The results of `activation policy`, as JSON and as tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from server_stub.admin.policy_simulation import PolicySimulation
from server_stub.policy.diff import Difference, RuleChange
from server_stub.policy.document import Rule
from server_stub.policy.explain import Explanation, RuleEvaluation, as_words
from server_stub.policy.facts import duration
from server_stub.policy.policy import Policy


def shipped_policies(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The shipped policies as text."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "version", "rules", "title"):
        table.add_column(heading, justify="right" if heading in ("version", "rules") else "left")
    for row in rows:
        name = f"{row['name']} (default)" if row["default"] else row["name"]
        table.add_row(name, str(row["version"]), str(row["rules"]), row["title"])
    return table


def problems(row: Mapping[str, Any]) -> Iterator[str]:
    """The problems of a policy that was checked, each as one line."""
    for kind in ("error", "warning", "note"):
        for each in row[f"{kind}s"]:
            place = f"{row['file']}:{each['line']}: {kind}: {each['key'] or 'document'}"
            yield f"{place}: {each['message']}"


def policy_name(policy: Policy) -> dict[str, Any]:
    """What names a version of a policy, as JSON."""
    return {"id": policy.document.id, "version": policy.document.version}


def explanation_json(policy: Policy, explanation: Explanation, at: int) -> dict[str, Any]:
    """An explanation as JSON."""
    tried = [
        {
            "id": evaluation.rule.id,
            "tried": True,
            "matches": evaluation.matches,
            "conditions": list(map(asdict, evaluation.conditions)),
        }
        for evaluation in explanation.evaluations
    ]
    untried: list[dict[str, Any]] = [
        {"id": rule.id, "tried": False, "matches": None, "conditions": []} for rule in explanation.untried
    ]
    return {
        "policy": policy_name(policy),
        "at": at,
        "facts": dict(as_words(explanation.facts)),
        "rules": tried + untried,
        "decision": rule_json(explanation.rule),
    }


def rule_json(rule: Rule) -> dict[str, Any]:
    """What a rule decides, as JSON."""
    decision = rule.model_dump(mode="json", exclude={"id", "when"}, exclude_none=True)
    return {"rule": rule.id, **decision}


def explanation(policy: Policy, explanation: Explanation, at: int) -> Iterator[Any]:
    """An explanation as text."""
    document = policy.document
    yield f"{document.id} version {document.version}, on {_date(at)}: {document.title}"
    yield ""
    yield _grid(as_words(explanation.facts).items())
    yield ""
    yield _grid(
        (f"{'->' if evaluation.matches else '  '} {evaluation.rule.id}", _result(evaluation))
        for evaluation in explanation.evaluations
    )
    if explanation.untried:
        count = len(explanation.untried)
        yield f"   {count} more {'rule was' if count == 1 else 'rules were'} not tried."
    yield ""
    rule = explanation.rule
    decision = [("decision", f"{rule.decision.value}, because {rule.reason.value}")]
    if rule.message:
        args = ", ".join(f"{name} = {source.value}" for name, source in rule.message.args.items())
        decision.append(("message", f"{rule.message.key.value}{f' ({args})' if args else ''}"))
    times = ((name, getattr(rule, name)) for name in ("check_in", "offline_limit", "retry_after"))
    decision += [(name.replace("_", " "), duration(value)) for name, value in times if value is not None]
    if rule.not_before_lock:
        decision.append(("not before lock", rule.not_before_lock.isoformat()))
    yield _grid(decision)


def _result(evaluation: RuleEvaluation) -> str:
    if not evaluation.conditions:
        return "matches every device"
    if evaluation.matches:
        return "matches: " + "; ".join(f"{one.key} is {one.found}" for one in evaluation.conditions)
    failed = [
        ("activation age" if one.key.startswith("activation_age") else one.key, one)
        for one in evaluation.conditions
        if not one.holds
    ]
    return "; ".join(f"{key} is {one.found}, wanted {one.wanted}" for key, one in failed)


def difference_json(
    old: Policy, new: Policy, found: Difference, changes: Sequence[RuleChange]
) -> dict[str, Any]:
    """A comparison as JSON."""
    return {
        "old": policy_name(old),
        "new": policy_name(new),
        "combinations": found.combinations,
        "decisions_changed": sum(change.combinations for change in found.decisions),
        "changes": [
            {
                "where": {fact: list(words) for fact, words in change.where.items()},
                "differs": list(change.differs),
                "combinations": change.combinations,
                "old": rule_json(change.old),
                "new": rule_json(change.new),
            }
            for change in changes
        ],
    }


def difference(found: Difference, *, details: bool) -> Iterator[Any]:
    """A comparison as text: in as few rows as possible, or with `details` grouped by the deciding rules."""
    for change in found.changes if details else ():
        yield from _block((change.old,), (change.new,), change.where)
        if "decision" not in change.differs:
            old, new = rule_json(change.old), rule_json(change.new)
            yield _grid(
                (f"    {name} changes", f"{_value(old.get(name))} -> {_value(new.get(name))}")
                for name in change.differs
            )
        yield ""
    for row in () if details else found.rows:
        yield from _block(row.old, row.new, row.where)
        yield ""
    changed = sum(change.combinations for change in found.decisions)
    yield f"The decision changes in {changed} of {found.combinations} combinations of facts."
    if not details and len(found.changes) > len(found.decisions):
        yield "In others only the reason, message or times change; --details shows them too."


def _block(old: Sequence[Rule], new: Sequence[Rule], where: Mapping[str, Sequence[str]]) -> Iterator[Any]:
    yield " -> ".join(
        f"{rules[0].decision.value} ({', '.join(rule.id for rule in rules)})" for rules in (old, new)
    )
    yield _grid((f"    {fact}", " | ".join(words)) for fact, words in (where or {"always": ()}).items())


def _value(value: Any) -> str:
    return str(value["key"]) if isinstance(value, dict) else "none" if value is None else str(value)


def simulation(result: PolicySimulation, *, listed: bool) -> Iterator[Any]:
    """A simulation as text."""
    counts = result.as_json()
    against = f"the policy in force ({result.against})" if result.against else "the newest verdicts"
    yield f"{result.draft} against {against}, on {_date(result.at)}"
    yield f"The decision would change for {counts['changed']} of {result.devices} devices."
    if result.overridden:
        yield f"{result.overridden} keep an operator's decision."
    if result.unheard:
        yield f"{result.unheard} never contacted the server; nothing is known about them."
    if result.pruned:
        yield f"{result.pruned} cannot be judged: the evidence was removed because of its age (KEEP_DAYS)."
    for title, rows in (
        ("decision", counts["decisions"]),
        ("territory now", counts["by_territory"]),
        ("activated in", counts["by_activation"]),
        ("sold in", counts["by_sale_region"]),
    ):
        if rows:
            yield ""
            yield _counts(title, rows)
    if listed:
        yield ""
        yield _grid(
            (each["sub"], f"{each['now']} ({each['now_rule']}) -> {each['then']} ({each['then_rule']})")
            for each in counts["list"]
        )


def _counts(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in (title, "now", "then"):
        table.add_column(heading)
    table.add_column("devices", justify="right")
    for row in rows:
        change = "same" if row["now"] == row["then"] else "changes"
        first = next(iter(row.values())) if len(row) > 3 else change
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
