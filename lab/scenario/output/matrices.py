"""Firmware by place: how scenarios ended in each cell, over all of them and for each file that is such a matrix."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from lab.handset.outcome import Outcome
from lab.reports.palette import LOOKS
from lab.scenario.engine.result import ScenarioResult, Status

COLOURS: Final = {
    Status.PASSED: "#2e7d32",
    Status.FAILED: "#b71c1c",
    Status.ERROR: "#6a1b9a",
    Status.SKIPPED: "#616161",
    Status.INTERNAL_ERROR: "#000000",
}

WORST_FIRST: Final = (Status.INTERNAL_ERROR, Status.ERROR, Status.FAILED, Status.PASSED, Status.SKIPPED)

Pair = tuple[str, str]
"""A profile and a place."""


@dataclass
class Cell:
    """How often scenarios ended how, and what became of their phones."""

    statuses: Counter[Status] = field(default_factory=Counter)
    outcomes: set[str] = field(default_factory=set)

    @property
    def worst(self) -> Status:
        """The status that matters most."""
        return next(status for status in WORST_FIRST if self.statuses[status])

    def drawn(self, pair: Pair, file: str | None) -> dict[str, Any]:
        """What the page needs: text, colour, a sentence, and the link to its scenarios."""
        said = ", ".join(f"{self.statuses[status]} {status}" for status in Status if self.statuses[status])
        query = ({"file": file} if file else {}) | {"profile": pair[0], "place": pair[1]}
        text, colour = self._mark() if file else (str(self.statuses.total()), COLOURS[self.worst])
        became = f"; {', '.join(sorted(self.outcomes))}" if file else ""
        return {
            "text": text,
            "colour": colour,
            "said": f"{pair[0]} in {pair[1]}: {said}{became}",
            "link": urlencode(query),
        }

    def _mark(self) -> tuple[str, str]:
        """What became of the phones; what went wrong comes first."""
        if self.worst is not Status.PASSED:
            return self.worst.upper(), COLOURS[self.worst]
        if len(self.outcomes) == 1:
            look = LOOKS[Outcome(next(iter(self.outcomes)))]
            return look.mark, look.colour
        return "±", "#455a64"


@dataclass
class Matrix:
    """A table. `file` is None for the one over all scenarios."""

    file: str | None = None
    cells: dict[Pair, Cell] = field(default_factory=dict)

    def add(self, result: ScenarioResult) -> None:
        """Count a scenario, once in each cell that it touches."""
        for pair in self._touched(result):
            cell = self.cells.setdefault(pair, Cell())
            cell.statuses[result.status] += 1
            cell.outcomes.update(handset.outcome for handset in result.handsets)

    def _touched(self, result: ScenarioResult) -> set[Pair]:
        if self.file is not None:
            return {(result.parameters["profile"], result.parameters["place"])}
        return {
            (profile, place)
            for handset in result.handsets
            for profile in handset.profiles
            for place in handset.places
        }

    def drawn(self) -> dict[str, Any]:
        """What the page needs."""
        return {
            "title": self.file or "All scenarios",
            "profiles": sorted({profile for profile, _ in self.cells}),
            "places": sorted({place for _, place in self.cells}),
            "cells": {pair: cell.drawn(pair, self.file) for pair, cell in self.cells.items()},
        }


class Matrices:
    """The table over all scenarios, and one for each file whose parameters are a profile and a place."""

    def __init__(self) -> None:
        self._all = Matrix()
        self._by_file: dict[str, Matrix] = {}

    def add(self, result: ScenarioResult) -> None:
        """Count a scenario wherever it belongs."""
        self._all.add(result)
        if {"profile", "place"} <= result.parameters.keys():
            self._by_file.setdefault(result.file, Matrix(result.file)).add(result)

    def drawn(self) -> list[dict[str, Any]]:
        """What the page needs; nothing where there are no scenarios."""
        return [each.drawn() for each in (self._all, *self._by_file.values()) if each.cells]


def legend() -> list[dict[str, str]]:
    """What the marks in the tables of files mean."""
    return [
        {"mark": look.mark, "colour": look.colour, "meaning": f"{outcome}: {look.meaning}"}
        for outcome, look in LOOKS.items()
    ]
