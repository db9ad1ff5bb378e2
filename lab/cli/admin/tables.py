"""The responses of the admin API as tables. Every function returns what `output.show` prints."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.table import Table

Item = Mapping[str, Any]
Columns = Mapping[str, str | Callable[[Item], Any]]
"""Each column by its heading: the name of a member, or what a cell contains."""

_NO_WRAP: Final = ("device", "key, algorithm", "action", "decision", "status", "state", "serial")
"""Columns whose values are copied or compared, and so must not be split over lines."""
_TIMES: Final = ("at", "from", "until", "begins", "ends")
"""Columns with the date on one line and the time of day on the next."""


def devices(items: Sequence[Item], *, more: bool) -> list[Any]:
    """One line per device, which fits into 80 columns; `device` shows the rest."""
    columns: Columns = {
        "device": "sub",
        "sold": "sale_region",
        "model": "model",
        "origin": "activation_territory",
        "state": lambda item: "locked" if item["locked"] else "free",
        "override": lambda item: item["override"] and item["override"]["decision"],
    }
    return [_table(f"Devices: {_number(items, more)}", columns, items)]


def device(item: Item) -> list[Any]:
    """All facts about one device."""
    times = ("activated_at", "first_seen", "last_seen", "locks_at")
    members = {
        name: _time(value) if name in times else value
        for name, value in item.items()
        if name not in ("override", "next_answer")
    }
    following = _decision(item["next_answer"])
    return [
        _facts(
            {
                **members,
                "operator": _decision(item["override"]),
                **({"next answer": following} if following else {}),
            }
        )
    ]


def _decision(override: Item | None) -> str | None:
    return f"{override['decision']}, case {override['case']}: {override['reason']}" if override else None


def history(items: Sequence[Item], *, more: bool) -> list[Any]:
    """One row per verdict, which fits into 80 columns."""
    columns: Columns = {
        "serial": "serial",
        "at": lambda item: _time(item["at"]),
        "decision": "decision",
        "territory": "territory",
        "why": lambda item: (
            f"reason {item['reason']}\nrule   {item['rule'] or '-'}\n"
            f"policy {item['policy']} {item['policy_version']}\ntrust  {item['trust']}"
        ),
    }
    return [_table(f"Verdicts, newest first: {_number(items, more)}", columns, items)]


def keys(items: Sequence[Item]) -> list[Any]:
    """One row per key; the one that signs is marked."""
    columns: Columns = {
        "": lambda item: "*" if item["signs"] else "",
        "key, algorithm": lambda item: f"{item['kid']}\n{item['alg']}",
        "status": lambda item: item["status"] if item["held"] else f"{item['status']},\nnot held",
        "from": lambda item: _time(item["signs_from"]),
        "until": lambda item: _time(item["signs_until"]),
    }
    return [_table("Verdict keys, * signs now", columns, items)]


def clock_accepted(item: Item) -> list[Any]:
    """The accepted time."""
    return [f"The time {_time(item['time'])} is accepted; clock number {item['clock']}."]


def faults(items: Sequence[Item]) -> list[Any]:
    """One line per fault."""
    more = ("probability", "delay", "status", "retry_after")
    columns: Columns = {
        "id": "id",
        "kind": "kind",
        "remaining": lambda item: f"{item['remaining']} of {item['count']}",
        "responses": lambda item: "tuf" if item["route"] == "keys" else item["route"],
        "device": lambda item: item["device"] or "all",
        "more": lambda item: ", ".join(
            f"{name.replace('_', ' ')} {item[name]:g}" for name in more if item[name] not in (None, 1.0)
        ),
    }
    return [_table("Faults", columns, items)]


def audit(items: Sequence[Item]) -> list[Any]:
    """One row per entry, which fits into 80 columns."""
    columns: Columns = {
        "id": "id",
        "at": lambda item: _time(item["at"]),
        "actor": "actor",
        "action": "action",
        "subject, reason": lambda item: f"{item['subject']}\n{item['reason']}",
    }
    return [_table("Audit, newest first", columns, items)]


def policies(items: Sequence[Item]) -> list[Any]:
    """One line per version; the one in force is marked."""
    columns: Columns = {
        "": lambda item: "*" if item["in_force"] else "",
        "id": "id",
        "version": "version",
        "stored": lambda item: _time(item["put_at"]),
        "by": "put_by",
    }
    return [_table("Policies, * is in force", columns, items)]


def in_force(item: Item) -> list[Any]:
    """The policy in force."""
    return [_facts({**item, "since": _time(item["since"])})]


def campaigns(items: Sequence[Item]) -> list[Any]:
    """One line per campaign."""
    columns: Columns = {
        "id": "id",
        "state": "state",
        "begins": lambda item: _time(item["begins"]),
        "ends": lambda item: _time(item["ends"]),
        "by": "by",
        "reason": "reason",
    }
    return [_table("Campaigns", columns, items)]


def simulation(result: Item) -> list[Any]:
    """How many devices would change, and how."""
    names = ("draft", "against", "devices", "overridden", "unheard", "pruned", "changed")
    counts: Columns = {name: name for name in ("now", "then", "devices")}
    shown: list[Any] = [
        _facts({name: result[name] for name in names}),
        _table("Decisions", counts, result["decisions"]),
    ]
    for group, column in (
        ("by_territory", "territory"),
        ("by_activation", "activation"),
        ("by_sale_region", "sale_region"),
    ):
        if changes := [row for row in result[group] if row["now"] != row["then"]]:
            title = f"Changes by {column.replace('_', ' ')}"
            shown.append(_table(title, {column: column, **counts}, changes))
    return shown


def _table(title: str, columns: Columns, items: Iterable[Item]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in columns:
        width = len("2021-09-06") if name in _TIMES else None
        table.add_column(name, overflow="fold", no_wrap=name in _NO_WRAP, width=width)
    for item in items:
        values = (item[each] if isinstance(each, str) else each(item) for each in columns.values())
        table.add_row(*map(_cell, values))
    return table


def _number(items: Sequence[Item], more: bool) -> str:
    return f"{len(items)} and more; give a higher --limit" if more else str(len(items))


def _facts(members: Item) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in members.items():
        table.add_row(name, _cell(value))
    return table


def _time(seconds: int | None) -> str | None:
    """A time for people, None for None. One beyond the calendar stays a number of seconds."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return str(seconds)


def _cell(value: Any) -> str:
    """A dash for None; no markup."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value).replace("[", r"\[")
