"""The investigation as one self-contained HTML page."""

from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from lab.reports.investigation_text import FINDINGS, HEADINGS, between, coverage, lead, percent
from server_stub.investigation.analysis import Investigation, Week

_COLOURS: Final = ("#b3261e", "#e08a00", "#00695c", "#4527a0", "#1565c0", "#6d4c41", "#37474f")
_WIDTH: Final = 1000
_HEIGHT: Final = 220
_WEEKS_SHOWN: Final = 104


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle of the chart, in its own units, from the top left corner; `told` is for who points at it."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    told: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Activations by week, the newest two years of them; `top` is what the highest bar counts."""

    bars: tuple[Bar, ...]
    first: str
    last: str
    top: int
    width: int = _WIDTH
    height: int = _HEIGHT


def render(found: Investigation) -> str:
    """The page. It needs nothing from outside; what came from phones is escaped."""
    environment = Environment(
        loader=PackageLoader("lab.reports", "."), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {"percent": percent, "between": between, "coverage": coverage}
    return environment.get_template("investigation_page.html").render(
        lead=lead(found),
        found=found,
        headings=HEADINGS,
        findings=FINDINGS,
        colours=colours(found),
        chart=chart(found),
    )


def colours(found: Investigation) -> dict[str, str]:
    """A colour for each territory, the same on every page of the same phones."""
    return {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(found.territories)}


def chart(found: Investigation) -> Chart | None:
    """One stack of bars for each week that anything happened in."""
    weeks = found.weeks[-_WEEKS_SHOWN:]
    if not weeks:
        return None
    top = max(sum(week.territories.values()) for week in weeks)
    step = _WIDTH / len(weeks)
    painted = colours(found)
    bars = [bar for index, week in enumerate(weeks) for bar in _stack(week, index * step, step, top, painted)]
    return Chart(tuple(bars), weeks[0].begins, weeks[-1].begins, top)


def _stack(week: Week, x: float, step: float, top: int, painted: dict[str, str]) -> list[Bar]:
    stack, y = [], float(_HEIGHT)
    for name in (name for name in painted if name in week.territories):
        count = week.territories[name]
        height = _HEIGHT * count / top
        y -= height
        told = f"week of {week.begins}: {count} in {name}"
        stack.append(
            Bar(
                round(x + step * 0.1, 2),
                round(y, 2),
                round(min(step * 0.8, 60), 2),
                round(height, 2),
                painted[name],
                told,
            )
        )
    return stack
