"""The responses of the admin API as tables. Every function returns what `output.show` prints."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.table import Table

Item = Mapping[str, Any]

_NO_WRAP: Final = ("device", "key, algorithm", "action", "decision", "status", "state", "serial")
"""Columns whose values are copied or compared, and so must not be split over lines."""
_TIMES: Final = ("at", "from", "until", "begins", "ends")
"""Columns with the date on one line and the time of day on the next."""


def devices(items: Sequence[Item]) -> list[Any]:
    """One line per device, which fits into 80 columns; `device` shows the rest."""
    columns = ("device", "sold", "model", "origin", "state", "override")
    rows = (
        (
            item["sub"],
            item["sale_region"],
            item["model"],
            item["activation_territory"],
            "locked" if item["locked"] else "free",
            item["override"] and item["override"]["decision"],
        )
        for item in items
    )
    return [_table(f"Devices: {len(items)}", columns, rows)]


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


def history(items: Sequence[Item]) -> list[Any]:
    """One row per verdict, which fits into 80 columns."""
    columns = ("serial", "at", "decision", "territory", "why")
    rows = (
        (
            item["serial"],
            _time(item["at"]),
            item["decision"],
            item["territory"],
            f"reason {item['reason']}\nrule   {item['rule'] or '-'}\n"
            f"policy {item['policy']} {item['policy_version']}\ntrust  {item['trust']}",
        )
        for item in items
    )
    return [_table(f"Verdicts, newest first: {len(items)}", columns, rows)]


def keys(items: Sequence[Item]) -> list[Any]:
    """One row per key; the one that signs is marked."""
    columns = ("", "key, algorithm", "status", "from", "until")
    rows = (
        (
            "*" if item["signs"] else "",
            f"{item['kid']}\n{item['alg']}",
            item["status"] if item["held"] else f"{item['status']},\nnot held",
            _time(item["signs_from"]),
            _time(item["signs_until"]),
        )
        for item in items
    )
    return [_table("Verdict keys, * signs now", columns, rows)]


def clock_accepted(item: Item) -> list[Any]:
    """The accepted time."""
    return [f"The time {_time(item['time'])} is accepted; clock number {item['clock']}."]


def faults(items: Sequence[Item]) -> list[Any]:
    """One line per fault."""
    columns = ("id", "kind", "remaining", "responses", "device", "more")
    rows = (
        (
            item["id"],
            item["kind"],
            f"{item['remaining']} of {item['count']}",
            "tuf" if item["route"] == "keys" else item["route"],
            item["device"] or "all",
            ", ".join(
                f"{name.replace('_', ' ')} {item[name]:g}"
                for name in ("probability", "delay", "status", "retry_after")
                if item[name] not in (None, 1.0)
            ),
        )
        for item in items
    )
    return [_table("Faults", columns, rows)]


def audit(items: Sequence[Item]) -> list[Any]:
    """One row per entry, which fits into 80 columns."""
    columns = ("id", "at", "actor", "action", "subject, reason")
    rows = (
        (
            item["id"],
            _time(item["at"]),
            item["actor"],
            item["action"],
            f"{item['subject']}\n{item['reason']}",
        )
        for item in items
    )
    return [_table("Audit, newest first", columns, rows)]


def policies(items: Sequence[Item]) -> list[Any]:
    """One line per version; the one in force is marked."""
    rows = (
        ("*" if item["in_force"] else "", item["id"], item["version"], _time(item["put_at"]), item["put_by"])
        for item in items
    )
    return [_table("Policies, * is in force", ("", "id", "version", "stored", "by"), rows)]


def in_force(item: Item) -> list[Any]:
    """The policy in force."""
    return [_facts({**item, "since": _time(item["since"])})]


def campaigns(items: Sequence[Item]) -> list[Any]:
    """One line per campaign."""
    rows = (
        (item["id"], item["state"], _time(item["begins"]), _time(item["ends"]), item["by"], item["reason"])
        for item in items
    )
    return [_table("Campaigns", ("id", "state", "begins", "ends", "by", "reason"), rows)]


def simulation(result: Item) -> list[Any]:
    """How many devices would change, and how."""
    names = ("draft", "against", "devices", "overridden", "unheard", "pruned", "changed")
    rows = [(row["now"], row["then"], row["devices"]) for row in result["decisions"]]
    shown: list[Any] = [
        _facts({name: result[name] for name in names}),
        _table("Decisions", ("now", "then", "devices"), rows),
    ]
    for group, column in (
        ("by_territory", "territory"),
        ("by_activation", "activation"),
        ("by_sale_region", "sale_region"),
    ):
        changes = [
            (row[column], row["now"], row["then"], row["devices"])
            for row in result[group]
            if row["now"] != row["then"]
        ]
        if changes:
            title = f"Changes by {column.replace('_', ' ')}"
            shown.append(_table(title, (column, "now", "then", "devices"), changes))
    return shown


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        width = len("2021-09-06") if column in _TIMES else None
        table.add_column(column, overflow="fold", no_wrap=column in _NO_WRAP, width=width)
    for row in rows:
        table.add_row(*map(_cell, row))
    return table


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
