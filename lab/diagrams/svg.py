"""The machines as one self-contained SVG picture.

Each state is a card with one line for each row of its table. A line that changes the state is joined to the card of
its target by a curve in that card's colour. Curves are next to the cards and text is within them, so nothing overlaps.
Lines that keep the state end in a loop sign; loops without effects are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from xml.sax.saxutils import escape

from agent.core.table import Machine

LINE: Final = 17
HEADER: Final = 26
GAP: Final = 22
MARGIN: Final = 28
TITLE: Final = 46
CHARACTER: Final = 6.1
"""Width of a character of the lines, in pixels, rounded up."""
PADDING: Final = 34
LANES: Final = 120
"""Width for the curves next to a column of cards, in pixels."""
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
    """One row of a table as text: event, guard, effects and target."""

    event: str
    guard: str
    effects: str
    target: StrEnum

    @property
    def length(self) -> int:
        """Number of characters."""
        return len(self.event) + len(self.guard) + len(self.effects)


@dataclass(frozen=True, slots=True)
class Card:
    """A state and its position, in pixels from the top."""

    state: StrEnum
    colour: str
    top: int
    lines: tuple[Line, ...]

    @property
    def height(self) -> int:
        """Pixels."""
        return HEADER + LINE * len(self.lines) + (8 if self.lines else 0)

    def line_at(self, number: int) -> float:
        """The vertical middle of a line, in pixels."""
        return self.top + HEADER + 4 + LINE * (number + 0.5)


def document(machines: Sequence[Machine]) -> str:
    """The picture of `machines`, side by side."""
    columns, left, height = [], MARGIN, 0
    for machine in machines:
        cards = _cards(machine)
        longest = max((line.length for card in cards for line in card.lines), default=10)
        width = int(longest * CHARACTER * 1.1) + PADDING
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
        lines = []
        for (source, kind), rows in sorted(machine.rows.items()):
            for row in rows if source == state else ():
                if row.do or row.target != state:
                    guard = f" [{row.guard.__name__.replace('_', ' ')}]" if row.guard else ""
                    lines.append(Line(kind, guard, f" / {', '.join(row.do)}" if row.do else "", row.target))
        card = Card(state, COLOURS[number % len(COLOURS)], top, tuple(lines))
        cards.append(card)
        top += card.height + GAP
    return tuple(cards)


def _column(machine: Machine, cards: Sequence[Card], left: int, width: int) -> Iterator[str]:
    yield f'<text class="machine" x="{left}" y="{TITLE}">{machine.name.title()}</text>'
    targets = {card.state: card for card in cards}
    for card in cards:
        yield (
            f'<rect class="card" x="{left}" y="{card.top}" width="{width}" height="{card.height}" rx="7"'
            f' stroke="{card.colour}"/>\n'
            f'<rect x="{left}" y="{card.top}" width="{width}" height="{HEADER}" rx="7" fill="{card.colour}"/>\n'
            f'<text class="state" x="{left + 11}" y="{card.top + 18}">{escape(card.state)}</text>'
        )
        for number, line in enumerate(card.lines):
            yield (
                f'<text class="line" x="{left + 11}" y="{card.line_at(number) + 4}" xml:space="preserve">'
                f'<tspan class="event">{escape(line.event)}</tspan><tspan class="guard">{escape(line.guard)}</tspan>'
                f'<tspan class="effects">{escape(line.effects)}</tspan></text>'
            )
            yield _curve(card, number, targets[type(card.state)(line.target)], left + width)


def _curve(card: Card, number: int, target: Card, right: int) -> str:
    """A loop sign, or a curve to the header of the target, which is wider if the target is further away."""
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
