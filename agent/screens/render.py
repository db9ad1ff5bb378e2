"""Draws a screen as terminal text: the outline of a device, the symbol, the text, the buttons."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from agent.screens.cells import RLI, cells, wrap
from agent.screens.fill import PDI
from agent.screens.screen import Direction, Screen, Symbol

MIN_WIDTH: Final = 20
DEFAULT_WIDTH: Final = 44
_MARGIN: Final = 2

_SYMBOLS: Final[Mapping[Symbol, tuple[str, ...]]] = {
    Symbol.PADLOCK: (
        "  ╭───╮  ",
        "  │   │  ",
        "┏━┷━━━┷━┓",
        "┃   ●   ┃",
        "┃   ╿   ┃",
        "┗━━━━━━━┛",
    ),
    Symbol.WARNING: (
        "╭─────╮",
        "│  ╻  │",
        "│  ╹  │",
        "│  •  │",
        "╰─────╯",
    ),
}


_LIGHT: Final = tuple("╭╮╯╰─│")
_DARK: Final = tuple("┏┓┛┗━┃")
"""Box characters of the outline: corners clockwise from the top left, then the sides."""


def render_text(screen: Screen, width: int = DEFAULT_WIDTH) -> str:
    """`screen` as lines of exactly `width` cells each, joined by line feeds.

    Right-to-left text is aligned right and in an isolate, in logical order, so that a terminal with bidirectional text
    (UAX #9) keeps the frame in place. Raises ValueError if `width` is below `MIN_WIDTH`.
    """
    if width < MIN_WIDTH:
        raise ValueError(f"width is {width}; a screen needs {MIN_WIDTH} cells or more")
    outline = _DARK if screen.dark else _LIGHT
    inner = width - 2 * _MARGIN - 2
    return "\n".join(_framed(_rows(screen, inner), outline, inner))


def _rows(screen: Screen, inner: int) -> Iterator[str]:
    """The rows inside the outline, at most `inner` cells wide."""
    yield from ("", _centred("╶──╴", inner), "")
    if screen.symbol:
        yield from (_centred(row, inner) for row in (*_SYMBOLS[screen.symbol], ""))
    title = wrap(screen.title, inner)
    yield from (_aligned(line, inner, screen.direction) for line in title)
    yield _aligned("─" * max(map(cells, title)), inner, screen.direction)
    for paragraph in screen.body:
        yield from (_aligned(line, inner, screen.direction) for line in wrap(paragraph, inner))
        yield ""
    yield from _buttons([label for _, label in screen.actions], inner)
    yield from (_centred("━━━━━━", inner), "")


def _framed(rows: Iterable[str], outline: tuple[str, ...], inner: int) -> Iterator[str]:
    top_left, top_right, bottom_right, bottom_left, across, down = outline
    edge = across * (inner + 2 * _MARGIN)
    margin = " " * _MARGIN
    yield top_left + edge + top_right
    for row in rows:
        padding = " " * (inner - cells(row))
        yield f"{down}{margin}{row}{padding}{margin}{down}"
    yield bottom_left + edge + bottom_right


def _buttons(labels: Iterable[str], inner: int) -> Iterator[str]:
    """The buttons as a column of adjacent boxes."""
    edge = "╭{}╮"
    for label in labels:
        yield edge.format("─" * (inner - 2))
        for line in wrap(label, inner - 4):
            centred = _centred(line, inner - 4)
            yield f"│ {centred}{' ' * (inner - 4 - cells(centred))} │"
        edge = "├{}┤"
    yield "╰" + "─" * (inner - 2) + "╯"


def _centred(text: str, width: int) -> str:
    return " " * ((width - cells(text)) // 2) + text


def _aligned(text: str, width: int, direction: Direction) -> str:
    if direction is Direction.LTR:
        return text
    return " " * (width - cells(text)) + RLI + text + PDI
