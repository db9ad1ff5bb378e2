"""What `activation admin` shows to people."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.table import Table

from lab.cli import output

_WHOLE: Final = ("device", "key", "what", "decision", "status", "state", "serial")
"""Columns that are copied or read at a glance, and so stay on one line."""


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A table without lines; what is None is a dash."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column in _WHOLE)
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def facts(about: Mapping[str, Any]) -> Table:
    """One thing, a line for each fact."""
    made = Table(box=None, pad_edge=False, show_header=False)
    for name, value in about.items():
        made.add_row(name, _cell(value))
    return made


def moment(seconds: int | None) -> str | None:
    """A time for people, in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def show_devices(items: Sequence[Mapping[str, Any]]) -> None:
    """A line for each device, which fits on 80 columns; `show` tells the rest."""
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
    columns = ("device", "sold", "model", "activated", "state", "by hand")
    output.show(table(f"Devices: {len(items)}", columns, rows))


def show_device(item: Mapping[str, Any]) -> None:
    """Everything about one device."""
    override = item["override"]
    times = ("activated_at", "first_seen", "last_seen", "locks_at")
    plain = {n: moment(v) if n in times else v for n, v in item.items() if n != "override"}
    decided = override and f"{override['decision']}, case {override['case']}: {override['reason']}"
    output.show(facts({**plain, "operator": decided}))


def show_history(items: Sequence[Mapping[str, Any]]) -> None:
    """A line for each verdict."""
    rows = (
        (
            item["serial"],
            moment(item["at"]),
            item["decision"],
            item["reason"],
            item["territory"],
            f"{item['policy']} {item['policy_version']}",
            item["rule"],
            item["trust"],
        )
        for item in items
    )
    columns = ("serial", "at", "decision", "reason", "territory", "policy", "rule", "trust")
    output.show(table(f"Verdicts, newest first: {len(items)}", columns, rows))


def show_keys(items: Sequence[Mapping[str, Any]]) -> None:
    """A line for each key; the one that signs is marked."""
    rows = (
        (
            "*" if item["signs"] else "",
            item["kid"],
            item["alg"],
            item["status"],
            moment(item["signs_from"]),
            moment(item["signs_until"]),
            "yes" if item["held"] else "no",
        )
        for item in items
    )
    output.show(
        table("Verdict keys, * signs now", ("", "key", "alg", "status", "from", "until", "held"), rows)
    )


def show_faults(items: Sequence[Mapping[str, Any]]) -> None:
    """A line for each fault."""
    rows = (
        (
            item["id"],
            item["kind"],
            f"{item['remaining']} of {item['count']}",
            item["route"],
            item["device"] or "all",
        )
        for item in items
    )
    output.show(table("Faults", ("id", "kind", "to come", "answers", "device"), rows))


def show_audit(items: Sequence[Mapping[str, Any]]) -> None:
    """A line for each entry."""
    rows = (
        (item["id"], moment(item["at"]), item["actor"], item["action"], item["subject"], item["reason"])
        for item in items
    )
    output.show(table("Audit, newest first", ("id", "at", "who", "what", "whom", "why"), rows))


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value).replace("[", r"\[")


def show_policies(items: Sequence[Mapping[str, Any]]) -> None:
    """A line for each version."""
    rows = (
        ("*" if item["in_force"] else "", item["id"], item["version"], moment(item["put_at"]), item["put_by"])
        for item in items
    )
    output.show(table("Policies, * is in force", ("", "id", "version", "put", "by"), rows))


def show_in_force(item: Mapping[str, Any]) -> None:
    """What decides."""
    output.show(facts({**item, "since": moment(item["since"])}))


def show_campaigns(items: Sequence[Mapping[str, Any]]) -> None:
    """A line for each campaign."""
    rows = (
        (item["id"], item["state"], moment(item["begins"]), moment(item["ends"]), item["by"], item["reason"])
        for item in items
    )
    output.show(table("Campaigns", ("id", "state", "begins", "ends", "by", "why"), rows))


def show_simulation(found: Mapping[str, Any]) -> None:
    """How many devices change, and which way."""
    output.show(
        facts(
            {
                name: found[name]
                for name in ("draft", "against", "devices", "overridden", "unheard", "changed")
            }
        )
    )
    rows = ((row["now"], row["then"], row["devices"]) for row in found["decisions"])
    output.show(table("What is decided", ("now", "then", "devices"), rows))
    for name, what in (
        ("by_territory", "territory"),
        ("by_activation", "activation"),
        ("by_sale_region", "sale_region"),
    ):
        changes = [row for row in found[name] if row["now"] != row["then"]]
        if changes:
            lines = ((row[what], row["now"], row["then"], row["devices"]) for row in changes)
            output.show(
                table(f"Changes by {what.replace('_', ' ')}", (what, "now", "then", "devices"), lines)
            )
