"""The mark, colours and meaning of each outcome in all reports."""

from dataclasses import dataclass
from typing import Final

from lab.handset.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Look:
    """`style` is for Rich, `colour` for HTML; `mark` is one cell wide and readable without colour."""

    mark: str
    style: str
    colour: str
    meaning: str


LOOKS: Final[dict[Outcome, Look]] = {
    Outcome.ACTIVATED: Look("✓", "green", "#2e7d32", "activated by a verdict"),
    Outcome.LOCKED: Look("✗", "bold red", "#b71c1c", "locked by a verdict"),
    Outcome.PENDING: Look("?", "yellow", "#b26a00", "waiting, no final verdict"),
    Outcome.HOME: Look("o", "cyan", "#00695c", "at the home screen without contacting the server"),
    Outcome.IGNORED: Look("!", "magenta", "#6a1b9a", "at the home screen without a verdict that allows it"),
    Outcome.NO_BOOT: Look("-", "dim", "#616161", "the bootloader refused the image"),
    Outcome.OFF: Look("·", "dim", "#8a8f98", "switched off"),
}
