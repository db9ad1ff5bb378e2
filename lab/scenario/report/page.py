"""One self-contained HTML page: summary and matrix for everybody, each scenario when it is opened."""

from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lab.outcome import Outcome
from lab.report.look import LOOKS
from lab.scenario.report.data import WITH_MESSAGES, embedded
from lab.scenario.report.locks import locks
from lab.scenario.result import ScenarioResult, Status

COLOURS: Final = {
    Status.PASSED: "#2e7d32",
    Status.FAILED: "#b71c1c",
    Status.ERROR: "#6a1b9a",
    Status.SKIPPED: "#616161",
}


def render(results: Sequence[ScenarioResult]) -> str:
    """The page. It needs nothing from outside; all that came from files, phones and servers is escaped."""
    environment = Environment(
        loader=PackageLoader("lab.scenario.report", "."), autoescape=True, undefined=StrictUndefined
    )
    script = files("lab.scenario.report").joinpath("page.js").read_text("utf-8")
    return environment.get_template("page.html").render(
        counts=Counter(result.status for result in results),
        colours=COLOURS,
        total=len(results),
        days=round(sum(result.elapsed for result in results) / 86_400, 1),
        seeds=sorted({result.seed for result in results}),
        matrices=_matrices(results),
        cohorts=[_cohorts(each) for each in results if len(each.handsets) >= 4],
        with_messages=WITH_MESSAGES,
        data=Markup(embedded(results)),  # noqa: S704 - JSON without any character of markup
        script=Markup(script),  # noqa: S704 - a file of this package
    )


def _matrices(results: Sequence[ScenarioResult]) -> list[dict[str, Any]]:
    """Over all, then for each file whose scenarios differ in profile or place."""
    by_file: dict[str, list[ScenarioResult]] = {}
    for result in results:
        if {"profile", "place"} <= result.parameters.keys():
            by_file.setdefault(result.file, []).append(result)
    every = [_matrix("All scenarios", results)] if results else []
    return every + [_matrix(file, some) for file, some in by_file.items()]


def _matrix(title: str, results: Sequence[ScenarioResult]) -> dict[str, Any]:
    cells: dict[tuple[str, str], Counter[Status]] = {}
    for result in results:
        for pair in {(each.profile, each.place) for each in result.handsets}:
            cells.setdefault(pair, Counter())[result.status] += 1
    return {
        "title": title,
        "profiles": sorted({profile for profile, _ in cells}),
        "places": sorted({place for _, place in cells}),
        "cells": {pair: _cell(counts) for pair, counts in cells.items()},
    }


def _cell(counts: Counter[Status]) -> dict[str, Any]:
    worst = next(
        each for each in (Status.ERROR, Status.FAILED, Status.PASSED, Status.SKIPPED) if counts[each]
    )
    said = ", ".join(f"{counts[each]} {each}" for each in Status if counts[each])
    return {"colour": COLOURS[worst], "said": said, "count": counts.total()}


def _cohorts(result: ScenarioResult) -> dict[str, Any]:
    """Who was locked when, side by side; positions are shares of the scenario's length in per cent."""
    length = max(result.elapsed, 1.0)
    rows = []
    for handset in result.handsets:
        bars = []
        for span in locks(handset):
            end = length if span.until is None else span.until
            said = f"day {span.since / 86_400:.1f} to " + (
                "the end" if span.until is None else f"{span.until / 86_400:.1f}"
            )
            left = 100 * span.since / length
            bars.append(
                {"left": round(left, 2), "width": round(max(0.6, 100 * end / length - left), 2), "said": said}
            )
        look = LOOKS[Outcome(handset.outcome)]
        rows.append({"handset": handset, "bars": bars, "look": look})
    return {"result": result, "rows": rows, "days": round(length / 86_400, 1)}
