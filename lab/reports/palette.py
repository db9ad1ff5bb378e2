"""How an outcome looks, everywhere the same: a mark, a colour, and what it means."""

from dataclasses import dataclass
from typing import Final

from lab.handset.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Look:
    """`style` is Rich's, `colour` is for HTML; `mark` is one cell wide and readable without colour."""

    mark: str
    style: str
    colour: str
    meaning: str


LOOKS: Final[dict[Outcome, Look]] = {
    Outcome.ACTIVATED: Look("✓", "green", "#2e7d32", "activated by a verdict"),
    Outcome.LOCKED: Look("✗", "bold red", "#b71c1c", "locked by a verdict"),
    Outcome.PENDING: Look("?", "yellow", "#b26a00", "waiting, no verdict that decides"),
    Outcome.HOME: Look("o", "cyan", "#00695c", "at home, nobody was asked"),
    Outcome.IGNORED: Look("!", "magenta", "#6a1b9a", "at home without a verdict that allows it"),
    Outcome.NO_BOOT: Look("-", "dim", "#616161", "the bootloader refused the image"),
    Outcome.OFF: Look("·", "dim", "#8a8f98", "switched off"),
}
