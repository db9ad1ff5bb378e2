"""The matrix and the timeline of a device as Rich tables."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lab.handset.outcome import Outcome, Result
from lab.handset.timeline import Entry, Who
from lab.handset.timeline_summary import TimestampFormat, detail_text, summary
from lab.reports.palette import LOOKS
from wire.evidence import TelephonyFault

LONG = 8
"""Longest list whose entries are shown."""

_STYLES = {
    Who.PHONE: "bold",
    Who.USER: "cyan",
    Who.AGENT: "green",
    Who.NETWORK: "yellow",
    Who.SCREEN: "magenta",
    Who.MANUFACTURER: "bold red",
}


def matrix(results: Sequence[Result]) -> RenderableType:
    """Firmware by place, a mark for each outcome; places are numbered so that the table fits into 80 columns."""
    places = list(dict.fromkeys(result.place for result in results))
    cells = {(result.profile, result.place): result for result in results}
    title = Text("The outcome of each firmware in each place\n", "italic")
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("firmware", no_wrap=True)
    for number in range(1, len(places) + 1):
        table.add_column(str(number), justify="right", no_wrap=True)
    for profile in dict.fromkeys(result.profile for result in results):
        looks = [
            LOOKS[cells[profile, place].outcome] if (profile, place) in cells else None for place in places
        ]
        table.add_row(profile, *(Text(look.mark, look.style) if look else Text() for look in looks))
    numbers = "  ".join(f"{number} {place}" for number, place in enumerate(places, 1))
    return Group(title, table, Text(numbers + "\n", "dim"), legend({result.outcome for result in results}))


def legend(outcomes: Collection[Outcome]) -> Text:
    """The meaning of the marks of these outcomes."""
    text = Text()
    for outcome, look in LOOKS.items():
        if outcome not in outcomes:
            continue
        text.append(f"{look.mark} ", look.style)
        text.append(f"{outcome.value}: {look.meaning}\n")
    return text


def timeline(entries: Sequence[Entry], *, decoded: bool) -> Table:
    """The timeline. With `decoded`, the claims of evidence and verdict are below their request."""
    table = Table(show_header=False, box=None, padding=(0, 1), pad_edge=False)
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    moments = TimestampFormat.of(entries)
    for entry in entries:
        what = Text(entry.what, "bold")
        if (
            text := detail_text(entry.detail)
            if decoded
            else summary(entry) or detail_text(_without_routine_details(entry.detail))
        ):
            what.append(f"  {text}", "not bold")
        table.add_row(moments.write(entry.at), Text(entry.who.value, _STYLES[entry.who]), what)
        if decoded and (messages := _messages(entry)).row_count:
            table.add_row("", "", messages)
    return table


def modem_faults(faults: Sequence[TelephonyFault]) -> Table:
    """What the agent left out of its reading of the modem, by command or file, with the reason."""
    table = Table(
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        title="Left out of the reading of the modem",
        title_justify="left",
    )
    for name in ("command or file", "slot", "reason"):
        table.add_column(name, overflow="fold")
    for fault in faults:
        table.add_row(fault.source, "" if fault.slot is None else str(fault.slot + 1), fault.code)
    return table


def _without_routine_details(detail: dict[str, Any]) -> dict[str, Any]:
    routine = ("effects", "cause", "message", "retry_at", "locale", "status", "fault")
    return {name: value for name, value in detail.items() if name not in routine}


def _messages(entry: Entry) -> Table:
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
    """Replace long lists, such as the radio bands, by their length."""
    if isinstance(value, dict):
        return {name: _abridged(inner) for name, inner in value.items()}
    return f"({len(value)} entries)" if isinstance(value, list) and len(value) > LONG else value


def _compact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
