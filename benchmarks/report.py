"""One row for each budget, as text of 80 columns and as JSON."""

import json
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import median
from textwrap import fill
from typing import Any

from benchmarks.timing import Timings, ratio


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """A budget and its measurement.

    `limit` names the work of the comparison, `unit_seconds` is its median time; `budget` and `ratio` are multiples
    of it. The budget is the most that `ratio` may be, or the least if `at_least`. `ratio` is None if the work cannot
    run here; `note` gives the reason. `peers` are the ratios of other implementations of the same work.
    """

    name: str
    limit: str
    budget: float
    ratio: float | None = None
    unit_seconds: float | None = None
    peers: dict[str, float] = field(default_factory=dict)
    note: str = ""
    at_least: bool = False

    def measured(self, timings: Timings, name: str, limit: str, **more: Any) -> "BudgetRow":
        """The row with the ratio of `name` to `limit`, and more of its members."""
        return replace(
            self,
            ratio=ratio(timings, name, limit),
            unit_seconds=median(timings[limit]),
            **{"note": ""} | more,
        )

    @property
    def verdict(self) -> str:
        """`within`, `OVER`, `UNDER` or `not measured`."""
        if self.ratio is None:
            return "not measured"
        if self.at_least:
            return "within" if self.ratio >= self.budget else "UNDER"
        return "within" if self.ratio <= self.budget else "OVER"


def as_json(rows: Sequence[BudgetRow]) -> str:
    """A list of objects, one for each row."""
    return json.dumps([asdict(row) | {"verdict": row.verdict} for row in rows], indent=2)


def interpreter() -> str:
    """The version of Python, and whether it is an optimised build."""
    optimised = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    build = "an optimised build" if optimised else "not an optimised build"
    return f"{sys.implementation.name} {sys.version.split()[0]}, {build}"


def as_text(rows: Sequence[BudgetRow]) -> Iterator[str]:
    """A heading, and for each row a line with the numbers and an indented line with the limit."""
    yield "Budgets: ratios measured in this run, on this machine"
    yield f"Interpreter: {interpreter()}"
    yield f"{'work':<45} {'measured':>10} {'budget':>10}"
    for row in rows:
        measured = "-" if row.ratio is None else f"{row.ratio:.2f} ×"
        budget = f"{'≥' if row.at_least else '≤'} {row.budget:.2f} ×"
        yield f"{row.name:<45} {measured:>10} {budget:>10} {row.verdict}"
        unit = ""
        if (seconds := row.unit_seconds) is not None:
            unit = f" ({seconds * 1e6:.0f} µs)" if seconds < 1e-3 else f" ({seconds * 1e3:.1f} ms)"
        peers = [f"{name} {ratio:.2f} ×" for name, ratio in row.peers.items()]
        notes = "; ".join(filter(None, (f"limit: {row.limit}{unit}", *peers, row.note)))
        yield fill(notes, 80, initial_indent="    ", subsequent_indent="    ")
