"""Measures and wraps text in terminal cells. Wide characters take two cells, marks and format characters none."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from agent.screens.fill import FSI, PDI

RLI: Final = "\N{RIGHT-TO-LEFT ISOLATE}"
_OPENERS: Final = frozenset({FSI, RLI, "\N{LEFT-TO-RIGHT ISOLATE}"})
_JAMO: Final = re.compile(r"[\u1160-\u11ff\ud7b0-\ud7ff]")
_NOT_FIRST: Final = frozenset("。，、；：？！）》」』】〕…,.;:?!)]}”’»%")
"""Closing punctuation: no line break before it."""
_NOT_LAST: Final = frozenset("（《「『【〔([{“‘«") | _OPENERS
"""Opening punctuation: no line break after it."""


def cell(char: str) -> int:
    """The number of cells of a character (UAX #11 for the wide ones).

    >>> [cell(char) for char in ("a", "锁", "\\u0301")]
    [1, 2, 0]
    """
    if unicodedata.category(char) in {"Mn", "Me", "Cf", "Cc"} or _JAMO.match(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def cells(text: str) -> int:
    """The number of cells of `text` on one line."""
    return sum(map(cell, text))


def wrap(text: str, width: int, measure: Callable[[str], float] = cells) -> list[str]:
    """`text` in lines of at most `width` cells (2 or more). Each line closes the isolates that it opens.

    `measure` gives the width of a text in another unit.

    Keeps the line breaks in the text. Breaks lines at spaces, between ideographs, and inside words that are too long.
    """
    lines: list[str] = []
    for part in text.split("\n"):
        line = ""
        for piece in _pieces(part, width, measure):
            if line and measure(line) + measure(piece.rstrip(" ")) > width:
                lines.append(line.rstrip(" "))
                line = ""
            line += piece
        lines.append(line.rstrip(" "))
    return list(_balanced(lines))


def _pieces(text: str, width: int, measure: Callable[[str], float]) -> Iterator[str]:
    """The unbreakable pieces of a line, each with the spaces after it and at most `width` wide."""
    piece = ""
    for char in text:
        too_wide = char != " " and measure(piece + char) > width
        if piece and (too_wide or _breaks(piece, char)):
            yield piece
            piece = ""
        piece += char
    if piece:
        yield piece


def _breaks(piece: str, char: str) -> bool:
    """Whether a line can break between `piece` and `char`."""
    if char == " " or char in _NOT_FIRST or (cell(char) == 0 and char not in _OPENERS):
        return False
    if piece.endswith(" "):
        return True
    before = piece.rstrip(PDI)[-1:]
    return before not in _NOT_LAST and (_ideographic(char) or _ideographic(before))


def _ideographic(char: str) -> bool:
    """Whether a line can break next to `char` without a space. Korean is wide but breaks between words."""
    return char != "" and cell(char) == 2 and not "\uac00" <= char <= "\ud7a3"


def _balanced(lines: Iterable[str]) -> Iterator[str]:
    """Close open isolates at the end of each line and open them again on the next one (UAX #9, rule P1)."""
    opened: list[str] = []
    for line in lines:
        start = "".join(opened)
        for char in line:
            if char in _OPENERS:
                opened.append(char)
            elif char == PDI and opened:
                opened.pop()
        yield start + line + PDI * len(opened)
