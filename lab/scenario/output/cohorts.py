"""Phones side by side on one scale of time: where each was activated, and when it was locked."""

from collections.abc import Iterator
from typing import Any, Final

from lab.handset.outcome import Outcome
from lab.reports.palette import LOOKS
from lab.scenario.engine.result import HandsetResult, ScenarioResult
from lab.scenario.output.lock_periods import day, locks

COHORT: Final = 4
"""So many phones in one scenario are worth a picture of their own."""

SHOWN: Final = 6
"""So many pictures are on the page at most."""

_DAY: Final = 86_400
_TICKS: Final = 8


def cohorts(result: ScenarioResult) -> dict[str, Any]:
    """What the page needs; positions are shares of the scenario's length in per cent."""
    length = max(result.elapsed, 1.0)
    rows = [_row(each, result.began, length) for each in result.handsets]
    return {
        "name": result.name,
        "about": result.about,
        "combination": ", ".join(f"{name} {value}" for name, value in sorted(result.parameters.items())),
        "id": result.id,
        "rows": rows,
        "ticks": list(_ticks(result.began, length)),
    }


def _row(handset: HandsetResult, began: int, length: float) -> dict[str, Any]:
    bars = []
    for span in locks(handset):
        left = 100 * span.since / length
        right = 100.0 if span.until is None else 100 * span.until / length
        bars.append(
            {"left": round(left, 2), "width": round(max(0.6, right - left), 2), "said": span.text(began)}
        )
    look = LOOKS[Outcome(handset.outcome)]
    return {
        "name": handset.name,
        "what": ", ".join((" → ".join(handset.profiles), *came_from(handset))),
        "bars": bars,
        "outcome": handset.outcome,
        "colour": look.colour,
    }


def came_from(handset: HandsetResult) -> Iterator[str]:
    """Where a phone was activated before the story if it was, and where it ended if that is elsewhere.

    What a phone without an agent was told nobody knows; it was set up there all the same.
    """
    before = handset.activated
    if before is not None:
        yield f"set up in {before.place} on {day(before.at)}"
    if before is None or before.place != handset.place:
        yield f"now in {handset.place}" if before else f"in {handset.place}"


def _ticks(began: int, length: float) -> Iterator[dict[str, Any]]:
    """Midnights in UTC, at most a handful, evenly spaced."""
    first = -(-began // _DAY) * _DAY
    midnights = range(first, int(began + length) + 1, _DAY)
    for epoch in midnights[:: max(1, -(-len(midnights) // _TICKS))]:
        yield {"left": round(100 * (epoch - began) / length, 2), "said": day(epoch)}
