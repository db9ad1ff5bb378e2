"""The machines as one self-contained SVG picture.

Each state is a card with a line for every row of its table; a line that leads elsewhere is joined to the card of its
target by a curve in that card's colour. Curves run beside the cards and text only within them, so nothing overlaps
whatever the tables hold. Lines that stay in their state end in a loop sign; loops that cause nothing are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from xml.sax.saxutils import escape

from agent.core.table import Machine, Transition

LINE: Final = 17
HEADER: Final = 26
GAP: Final = 22
MARGIN: Final = 28
TITLE: Final = 46
CHARACTER: Final = 6.1
"""Width of a character of the lines, in pixels, with room to spare."""
PADDING: Final = 34
LANES: Final = 120
"""Room for the curves beside a column of cards."""
COLOURS: Final = ("#2563eb", "#0d9488", "#b45309", "#be123c", "#6d28d9", "#4d7c0f", "#0e7490", "#a21caf")

_STYLE: Final = """
text { font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2937 }
.machine { font-size: 19px; font-weight: 600 }
.state { font-size: 13px; font-weight: 600; fill: #ffffff }
.line { font: 11px ui-monospace, "DejaVu Sans Mono", monospace }
.event { font-weight: 600 }
.guard { fill: #92400e }
.effects { fill: #6b7280 }
.card { fill: #ffffff; stroke-width: 1.2 }
.curve { fill: none; stroke-width: 1.5; stroke-opacity: 0.8 }
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table as text: what happens, on which condition, what it causes, and where it leads."""

    event: str
    guard: str
    effects: str
    target: StrEnum

    @property
    def length(self) -> int:
        """Characters."""
        return len(self.event) + len(self.guard) + len(self.effects)


@dataclass(frozen=True, slots=True)
class Card:
    """A state at its place, in pixels from the top left."""

    state: StrEnum
    colour: str
    top: int
    lines: tuple[Line, ...]

    @property
    def height(self) -> int:
        """Pixels."""
        return HEADER + LINE * len(self.lines) + (8 if self.lines else 0)

    def line_at(self, number: int) -> float:
        """The middle of a line."""
        return self.top + HEADER + 4 + LINE * (number + 0.5)


def document(machines: Sequence[Machine]) -> str:
    """The picture of some machines, side by side."""
    columns, left, height = [], MARGIN, 0
    for machine in machines:
        cards = _cards(machine)
        width = _width(cards)
        columns.append("\n".join(_column(machine, cards, left, width)))
        left += width + LANES
        height = max(height, cards[-1].top + cards[-1].height + MARGIN)
    body = "\n".join(columns)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left}" height="{height}" viewBox="0 0 {left} {height}"'
        f' role="img" aria-label="State machines of the activation agent">\n<style>{_STYLE}</style>\n'
        f'<rect width="100%" height="100%" fill="#f8fafc"/>\n{body}\n</svg>\n'
    )


def _cards(machine: Machine) -> tuple[Card, ...]:
    cards: list[Card] = []
    top = TITLE + MARGIN
    for number, state in enumerate(machine.states):
        card = Card(state, COLOURS[number % len(COLOURS)], top, tuple(_lines(machine, state)))
        cards.append(card)
        top += card.height + GAP
    return tuple(cards)


def _lines(machine: Machine, state: StrEnum) -> Iterator[Line]:
    for (source, kind), rows in sorted(machine.rows.items()):
        if source == state:
            yield from (_line(kind, row) for row in rows if row.do or row.target != state)


def _line(kind: str, row: Transition) -> Line:
    guard = f" [{row.guard.__name__.replace('_', ' ')}]" if row.guard else ""
    return Line(kind, guard, f" / {', '.join(row.do)}" if row.do else "", row.target)


def _width(cards: Sequence[Card]) -> int:
    longest = max((line.length for card in cards for line in card.lines), default=10)
    return int(longest * CHARACTER * 1.1) + PADDING


def _column(machine: Machine, cards: Sequence[Card], left: int, width: int) -> Iterator[str]:
    yield f'<text class="machine" x="{left}" y="{TITLE}">{machine.name.title()}</text>'
    targets = {card.state: card for card in cards}
    for card in cards:
        yield _card(card, left, width)
        for number, line in enumerate(card.lines):
            yield _text(line, left, card.line_at(number) + 4)
            yield _way(card, number, targets[type(card.state)(line.target)], left + width)


def _card(card: Card, left: int, width: int) -> str:
    return (
        f'<rect class="card" x="{left}" y="{card.top}" width="{width}" height="{card.height}" rx="7"'
        f' stroke="{card.colour}"/>\n'
        f'<rect x="{left}" y="{card.top}" width="{width}" height="{HEADER}" rx="7" fill="{card.colour}"/>\n'
        f'<text class="state" x="{left + 11}" y="{card.top + 18}">{escape(card.state)}</text>'
    )


def _text(line: Line, left: int, baseline: float) -> str:
    return (
        f'<text class="line" x="{left + 11}" y="{baseline}" xml:space="preserve">'
        f'<tspan class="event">{escape(line.event)}</tspan><tspan class="guard">{escape(line.guard)}</tspan>'
        f'<tspan class="effects">{escape(line.effects)}</tspan></text>'
    )


def _way(card: Card, number: int, target: Card, right: int) -> str:
    """A loop sign, or a curve to the target's header; the further, the wider it swings."""
    start = card.line_at(number)
    if target is card:
        return f'<text class="line effects" x="{right - 18}" y="{start + 4}">↺</text>'
    end = target.top + HEADER / 2
    swing = min(LANES - 24, 22 + abs(end - start) * 0.16)
    return (
        f'<circle cx="{right}" cy="{start}" r="3" fill="{target.colour}"/>'
        f'<path class="curve" stroke="{target.colour}" d="M{right} {start} C{right + swing:.0f} {start}'
        f' {right + swing:.0f} {end} {right + 7} {end}"/>'
        f'<path fill="{target.colour}" d="M{right} {end} l9 -4.5 v9 z"/>'
    )
