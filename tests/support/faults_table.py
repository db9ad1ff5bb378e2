"""The table of faults in the documentation as data, so that tests expect what it documents."""

import re
from dataclasses import dataclass
from pathlib import Path

from agent.core.screens import Trouble
from server_stub.faults.catalogue import Route

PAGE = Path(__file__).parents[2] / "docs" / "qa" / "faults.md"
COLUMNS = (Route.CHALLENGES, Route.KEYS, Route.VERDICTS)


@dataclass(frozen=True)
class Cell:
    """The possible troubles after a fault with their codes, None for any code. Empty: the exchange continues.

    A code without a trouble is one of `unreachable`."""

    ends: tuple[tuple[Trouble, str | None], ...]

    def allows(self, trouble: Trouble, code: str) -> bool:
        return (trouble, code) in self.ends or (trouble, None) in self.ends


def rows() -> dict[str, dict[Route, Cell]]:
    """The results by the name of the fault. Several faults with the same results share a row of the page."""
    found: dict[str, dict[Route, Cell]] = {}
    for line in PAGE.read_text().splitlines():
        names, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and re.fullmatch(r"`[a-z-]+`(, `[a-z-]+`)*", names):
            for name in re.findall(r"[a-z-]+", names):
                assert name not in found, name
                found[name] = dict(zip(COLUMNS, map(_cell, cells), strict=True))
    return found


def classes() -> dict[Trouble, tuple[str, str]]:
    """The sentence on the screen and the waits, by trouble class."""
    lines = [line.strip("|").split("|") for line in PAGE.read_text().splitlines()]
    cells = [[cell.strip() for cell in line] for line in lines if len(line) == 3]
    return {Trouble(name): (said, waits) for name, said, waits in cells if name in list(Trouble)}


def _cell(text: str) -> Cell:
    if text == "continues":
        return Cell(())
    ends = (re.fullmatch(r"([a-z-]+)? ?(?:`([a-z0-9-]+)`)?", end) for end in text.split(" or "))
    return Cell(tuple((Trouble(end[1] or "unreachable"), end[2]) for end in ends if end))
