"""One row a budget, as a table for people and as JSON for machines."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """A budget and what was measured.

    `limit` says what the work is compared with, `unit_seconds` how long that took here (median), `budget` and `ratio`
    are multiples of it. `ratio` is None where the work cannot be run here; `note` says why. `peers` are the ratios of
    other implementations of the same work.
    """

    name: str
    limit: str
    budget: float
    ratio: float | None
    unit_seconds: float | None = None
    peers: dict[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def verdict(self) -> str:
        """`within`, `OVER` or `not measured`."""
        if self.ratio is None:
            return "not measured"
        return "within" if self.ratio <= self.budget else "OVER"


def as_json(rows: Sequence[Row]) -> str:
    """A list of objects, one a row."""
    return json.dumps([asdict(row) | {"verdict": row.verdict} for row in rows], indent=2)


def print_table(rows: Sequence[Row], console: Console) -> None:
    """The rows, with what is over its budget standing out."""
    table = Table(title="Budgets: ratios measured in this run, on this machine")
    for heading in ("work", "the limit", "budget", "measured", "", "peers"):
        table.add_column(heading)
    for row in rows:
        style = "bold red" if row.verdict == "OVER" else ""
        table.add_row(*_cells(row), style=style)
    console.print(table)


def _cells(row: Row) -> tuple[str, ...]:
    unit = "" if row.unit_seconds is None else f" ({_seconds(row.unit_seconds)})"
    measured = row.note if row.ratio is None else f"{row.ratio:.2f} ×"
    peers = ", ".join(f"{name} {ratio:.2f}" for name, ratio in row.peers.items())
    return row.name, row.limit + unit, f"≤ {row.budget:.2f} ×", measured, row.verdict, peers


def _seconds(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"
