"""Text measured and broken in terminal cells: wide characters take two, marks and format characters none."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from agent.screens.fill import FSI, PDI

RLI: Final = "\N{RIGHT-TO-LEFT ISOLATE}"
_OPENERS: Final = frozenset({FSI, RLI, "\N{LEFT-TO-RIGHT ISOLATE}"})
_JAMO: Final = re.compile(r"[\u1160-\u11ff\ud7b0-\ud7ff]")
_NOT_FIRST: Final = frozenset("。，、；：？！）》」』】〕…,.;:?!)]}”’»%")
"""Closing punctuation, which stays with the word before it."""
_NOT_LAST: Final = frozenset("（《「『【〔([{“‘«") | _OPENERS
"""Opening punctuation, which stays with the word after it."""


def cell(char: str) -> int:
    """Cells that one character takes (UAX #11 for the wide ones).

    >>> [cell(char) for char in ("a", "锁", "\\u0301")]
    [1, 2, 0]
    """
    if unicodedata.category(char) in {"Mn", "Me", "Cf", "Cc"} or _JAMO.match(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def cells(text: str) -> int:
    """Cells that `text` takes on one line."""
    return sum(map(cell, text))


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, at least two; each line closes the isolates that it opens.

    Line breaks in the text are kept. Breaks fall at spaces, between ideographs, and inside a word only
    where the word alone is too long.
    """
    lines = [line for part in text.split("\n") for line in _fill(_pieces(part, width), width)]
    return list(_balanced(lines))


def _fill(pieces: Iterable[str], width: int) -> Iterator[str]:
    line = ""
    for piece in pieces:
        if line and cells(line) + cells(piece.rstrip(" ")) > width:
            yield line.rstrip(" ")
            line = ""
        line += piece
    yield line.rstrip(" ")


def _pieces(text: str, width: int) -> Iterator[str]:
    """The unbreakable pieces of a line, none wider than `width`, each with the spaces that follow it."""
    piece = ""
    for char in text:
        too_wide = char != " " and cells(piece) + cell(char) > width
        if piece and (too_wide or _breaks(piece, char)):
            yield piece
            piece = ""
        piece += char
    if piece:
        yield piece


def _breaks(piece: str, char: str) -> bool:
    """Whether a line may end between `piece` and `char`."""
    if char == " " or char in _NOT_FIRST or (cell(char) == 0 and char not in _OPENERS):
        return False
    if piece.endswith(" "):
        return True
    before = piece.rstrip(PDI)[-1:]
    return before not in _NOT_LAST and (_ideographic(char) or _ideographic(before))


def _ideographic(char: str) -> bool:
    """Whether lines break beside `char` without a space. Korean is wide too, but breaks between words."""
    return char != "" and cell(char) == 2 and not "\uac00" <= char <= "\ud7a3"


def _balanced(lines: Iterable[str]) -> Iterator[str]:
    """Close at the end of each line what is open there, and open it again on the next (UAX #9, rule P1)."""
    opened: list[str] = []
    for line in lines:
        start = "".join(opened)
        for char in line:
            if char in _OPENERS:
                opened.append(char)
            elif char == PDI and opened:
                opened.pop()
        yield start + line + PDI * len(opened)
