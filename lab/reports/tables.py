"""The matrix and a phone's timeline as Rich tables."""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lab.handset.outcome import Outcome, Result
from lab.handset.timeline import Entry, Who
from lab.handset.timeline_summary import TimestampFormat, summary
from lab.reports.palette import LOOKS

LONG = 8
"""Entries of a list that are worth showing."""

_STYLES = {
    Who.PHONE: "bold",
    Who.USER: "cyan",
    Who.AGENT: "green",
    Who.NETWORK: "yellow",
    Who.SCREEN: "magenta",
    Who.VENDOR: "bold red",
}


def matrix(results: Sequence[Result]) -> RenderableType:
    """Firmware by place, a mark for each outcome; the places are numbered so that it fits into 80 columns."""
    places = list(dict.fromkeys(result.place for result in results))
    cells = {(result.profile, result.place): result for result in results}
    title = Text("What becomes of each firmware in each place\n", "italic")
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("firmware", no_wrap=True)
    for number in range(1, len(places) + 1):
        table.add_column(str(number), justify="right", no_wrap=True)
    for profile in dict.fromkeys(result.profile for result in results):
        table.add_row(profile, *(_mark(cells.get((profile, place))) for place in places))
    return Group(title, table, _numbers(places), legend({result.outcome for result in results}))


def legend(outcomes: Collection[Outcome]) -> Text:
    """What the marks of these outcomes mean."""
    text = Text()
    for outcome, look in LOOKS.items():
        if outcome not in outcomes:
            continue
        text.append(f"{look.mark} ", look.style)
        text.append(f"{outcome.value}: {look.meaning}\n")
    return text


def timeline(entries: Sequence[Entry], *, decoded: bool) -> Table:
    """What happened, in order. With `decoded`, the claims of evidence and verdict stand below their request."""
    table = Table(show_header=False, box=None, padding=(0, 1), pad_edge=False)
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    moments = TimestampFormat.of(entries)
    for entry in entries:
        what = Text(entry.what, "bold")
        if said := _brief(entry) if decoded else _briefest(entry):
            what.append(f"  {said}", "not bold")
        table.add_row(moments.write(entry.at), Text(entry.who.value, _STYLES[entry.who]), what)
        if decoded and entry.who is Who.NETWORK:
            table.add_row("", "", _messages(entry))
    return table


def _mark(result: Result | None) -> Text:
    return Text("") if result is None else Text(LOOKS[result.outcome].mark, LOOKS[result.outcome].style)


def _numbers(places: Sequence[str]) -> Text:
    return Text("  ".join(f"{number} {place}" for number, place in enumerate(places, 1)) + "\n", "dim")


def _brief(entry: Entry) -> str:
    shown = {
        name: value
        for name, value in entry.detail.items()
        if name not in ("sent", "received", "args", "terms_version")
    }
    return ", ".join(f"{name} {_flat(value)}" for name, value in shown.items())


def _briefest(entry: Entry) -> str:
    """For a life in few lines: what moved or failed, and what a verdict said, without effects and codes of screens."""
    if said := summary(entry):
        return said
    dull = ("effects", "cause", "message", "retry_at", "locale", "status", "fault")
    return _brief(replace(entry, detail={k: v for k, v in entry.detail.items() if k not in dull}))


def _flat(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _messages(entry: Entry) -> RenderableType:
    table = Table(show_header=False, box=None, padding=(0, 1), pad_edge=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(style="dim", overflow="fold")
    for name, arrow in (("sent", "→"), ("received", "←")):
        message = entry.detail.get(name)
        if isinstance(message, dict) and "claims" in message:
            table.add_row(f"{arrow} header", _compact(message["header"]))
            for claim, value in message["claims"].items():
                table.add_row(f"{arrow} {claim}", _compact(_abridged(value)))
        elif message:
            table.add_row(arrow, str(message))
    return table


def _abridged(value: Any) -> Any:
    """Long lists by their length: every radio band of a phone is more than a story needs."""
    if isinstance(value, dict):
        return {name: _abridged(inner) for name, inner in value.items()}
    return f"({len(value)} entries)" if isinstance(value, list) and len(value) > LONG else value


def _compact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
