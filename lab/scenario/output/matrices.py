"""Tables of firmware profiles and places with the results of the scenarios: for all, and for each matrix file."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final
from urllib.parse import urlencode

from lab.handset.outcome import Outcome
from lab.reports.palette import LOOKS
from lab.scenario.engine.result import ScenarioResult, Status, counts_text

COLOURS: Final = {
    Status.PASSED: "#2e7d32",
    Status.FAILED: "#b71c1c",
    Status.ERROR: "#6a1b9a",
    Status.SKIPPED: "#616161",
    Status.EXPECTED_FAILURE: "#8d6e63",
    Status.INTERNAL_ERROR: "#000000",
}

MARKS: Final = {
    Status.PASSED: "✓",
    Status.FAILED: "✗",
    Status.ERROR: "!",
    Status.SKIPPED: "–",
    Status.EXPECTED_FAILURE: "≈",
    Status.INTERNAL_ERROR: "‼",
}
"""A mark that is readable without colour."""

CELLS_MAX: Final = 5_000
"""The maximum number of cells in all tables together."""

WORST_FIRST: Final = (
    Status.INTERNAL_ERROR,
    Status.ERROR,
    Status.FAILED,
    Status.EXPECTED_FAILURE,
    Status.PASSED,
    Status.SKIPPED,
)

Pair = tuple[str, str]
"""A profile and a place."""


@dataclass
class MatrixCell:
    """The number of scenarios with each status, and the outcomes of their devices."""

    statuses: Counter[Status] = field(default_factory=Counter)
    outcomes: set[str] = field(default_factory=set)

    @property
    def worst(self) -> Status:
        """The most severe status."""
        return next(status for status in WORST_FIRST if self.statuses[status])

    def data(self, pair: Pair, file: str | None) -> dict[str, Any]:
        """The data for the page: text, colour, description, and the link to the scenarios."""
        counts = counts_text(self.statuses)
        query = ({"file": file} if file else {}) | {"profile": pair[0], "place": pair[1]}
        text, colour = str(self.statuses.total()), COLOURS[self.worst]
        if file:
            counts += f"; {', '.join(sorted(self.outcomes))}"
            if self.worst is not Status.PASSED:
                text = self.worst.upper()
            elif len(self.outcomes) == 1:
                look = LOOKS[Outcome(next(iter(self.outcomes)))]
                text, colour = look.mark, look.colour
            else:
                text, colour = "±", "#455a64"
        return {
            "text": text,
            "colour": colour,
            "description": f"{pair[0]} in {pair[1]}: {counts}",
            "link": urlencode(query),
        }


@dataclass
class Matrix:
    """A table. `file` is None for the table of all scenarios."""

    file: str | None = None
    cells: dict[Pair, MatrixCell] = field(default_factory=dict)

    def add(self, result: ScenarioResult) -> None:
        """Count a scenario once in each cell."""
        if self.file is not None:
            pairs = {(result.parameters["profile"], result.parameters["place"])}
        else:
            pairs = {pair for each in result.handsets for pair in product(each.profiles, each.places)}
        for pair in pairs:
            cell = self.cells.setdefault(pair, MatrixCell())
            cell.statuses[result.status] += 1
            cell.outcomes.update(handset.outcome for handset in result.handsets)

    @property
    def profiles(self) -> list[str]:
        """The rows."""
        return sorted({profile for profile, _ in self.cells})

    @property
    def places(self) -> list[str]:
        """The columns."""
        return sorted({place for _, place in self.cells})

    def data(self) -> dict[str, Any]:
        """The data for the page."""
        return {
            "title": self.file or "All scenarios",
            "profiles": self.profiles,
            "places": self.places,
            "cells": {pair: cell.data(pair, self.file) for pair, cell in self.cells.items()},
        }


class Matrices:
    """The table of all scenarios, and a table for each file with the parameters `profile` and `place`.

    Tables beyond `CELLS_MAX` are not kept; `omitted` has their files.
    """

    def __init__(self) -> None:
        self._all = Matrix()
        self._by_file: dict[str, Matrix] = {}
        self.omitted: set[str | None] = set()

    def add(self, result: ScenarioResult) -> None:
        """Count a scenario in its tables."""
        self._all.add(result)
        if not {"profile", "place"} <= result.parameters.keys() or result.file in self.omitted:
            return
        if (
            result.file not in self._by_file
            and sum(len(each.cells) for each in self._by_file.values()) > CELLS_MAX
        ):
            self.omitted.add(result.file)
            return
        self._by_file.setdefault(result.file, Matrix(result.file)).add(result)

    def data(self) -> list[dict[str, Any]]:
        """The data for the page. Empty without scenarios."""
        found, free = [], CELLS_MAX
        for each in (self._all, *self._by_file.values()):
            area = len(each.profiles) * len(each.places)
            if area > free:
                self.omitted.add(each.file)
            elif area:
                free -= area
                found.append(each.data())
        return found


def legend() -> list[dict[str, str]]:
    """The meanings of the marks in the tables of files."""
    return [
        {"mark": look.mark, "colour": look.colour, "meaning": f"{outcome}: {look.meaning}"}
        for outcome, look in LOOKS.items()
    ]
