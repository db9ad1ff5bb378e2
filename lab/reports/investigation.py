"""Reports of an investigation: tables for a terminal, and one self-contained HTML page with charts."""

from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lab.reports.templates import template
from server_stub.investigation.analysis import (
    Interval,
    Investigation,
    OriginDimension,
    OriginTable,
    ShareFinding,
)

HEADINGS: Final = {
    OriginDimension.SALE_REGION: "Sale region",
    OriginDimension.MODEL: "Model",
    OriginDimension.BATCH: "Batch",
    OriginDimension.DISTRIBUTOR: "Distributor",
}
FINDINGS: Final = {
    ShareFinding.ABOVE: "more than the rest",
    ShareFinding.BELOW: "less than the rest",
    ShareFinding.UNDECIDED: "not significant",
}
_STYLES: Final = {ShareFinding.ABOVE: "bold red", ShareFinding.BELOW: "green", ShareFinding.UNDECIDED: "dim"}

_COLOURS: Final = ("#b3261e", "#e08a00", "#00695c", "#4527a0", "#1565c0", "#6d4c41", "#37474f")
_WIDTH: Final = 1000
_HEIGHT: Final = 220
_WEEKS_SHOWN: Final = 104


def percent(rate: float) -> str:
    """
    >>> percent(0.307)
    '30.7 %'
    """
    return f"{100 * rate:.1f} %"


def between(interval: Interval) -> str:
    """
    >>> between(Interval(0.255, 0.366))
    '25.5 to 36.6 %'
    """
    return f"{100 * interval.low:.1f} to {percent(interval.high)}"


def lead(investigation: Investigation) -> str:
    """The result in two sentences."""
    if not investigation.activated:
        return "No activated phone is known, so there is nothing to investigate."
    rate = percent(investigation.prohibited / investigation.activated)
    summary = (
        f"Of {investigation.activated} activated phones, {investigation.prohibited} ({rate}) were activated in a "
        f"prohibited territory; the 95 % interval of this share is {between(investigation.interval)}."
    )
    named = [
        f"{HEADINGS[table.dimension].lower()} {share.value}"
        for table in investigation.tables
        for share in table.shares
        if share.finding is ShareFinding.ABOVE
    ]
    if not named:
        return f"{summary} No sale region, model, batch or distributor differs by more than chance."
    return f"{summary} More than the rest, by more than chance: {', '.join(named)}."


def coverage(table: OriginTable) -> str:
    """For how many phones the dimension is known."""
    if table.activated == 0:
        return "No phone is known."
    text = f"Known of {table.known} of {table.activated} activated phones."
    return f"{text} Values too small for a separate row: {table.folded}." if table.folded else text


def tables(investigation: Investigation) -> RenderableType:
    """The result for a terminal: one table for each dimension with known values, and the weeks."""
    parts: list[RenderableType] = [Text(lead(investigation) + "\n")]
    parts += [_dimension(table) for table in investigation.tables if table.known]
    unknown = [HEADINGS[table.dimension].lower() for table in investigation.tables if not table.known]
    if unknown and investigation.activated:
        parts.append(Text(f"Unknown for all phones: {', '.join(unknown)}.\n", "dim"))
    if investigation.weeks:
        parts.append(_weeks(investigation))
    return Group(*parts)


def _dimension(table: OriginTable) -> RenderableType:
    grid = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=coverage(table), caption_justify="left")
    grid.add_column(HEADINGS[table.dimension].lower())
    for heading in ("phones", "prohibited", "share"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("95 % interval", no_wrap=True)
    grid.add_column("of all", justify="right", no_wrap=True)
    grid.add_column("against the rest")
    for share in (*table.shares, *([table.rest] if table.rest else [])):
        grid.add_row(
            Text(share.value),
            str(share.activated),
            str(share.prohibited),
            percent(share.rate),
            between(share.interval),
            percent(share.of_all),
            Text(FINDINGS[share.finding], _STYLES[share.finding]),
        )
    return grid


def _weeks(investigation: Investigation) -> RenderableType:
    grid = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), title="Activations by week", title_justify="left")
    grid.add_column("from Monday", no_wrap=True)
    for territory in investigation.territories:
        grid.add_column(territory, justify="right")
    for week in investigation.weeks:
        counts = (str(week.territories.get(each, "")) for each in investigation.territories)
        grid.add_row(week.begins, *counts)
    return grid


def page(investigation: Investigation) -> str:
    """The HTML page. It loads nothing; text from devices is escaped."""
    filters = {"percent": percent, "between": between, "coverage": coverage}
    return template("lab.reports", "investigation_page.html", filters).render(
        lead=lead(investigation),
        found=investigation,
        headings=HEADINGS,
        findings=FINDINGS,
        colours=_colours(investigation),
        chart=chart(investigation),
    )


def _colours(investigation: Investigation) -> dict[str, str]:
    """A colour for each territory, the same on every page of the same phones."""
    return {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(investigation.territories)}


def chart(investigation: Investigation) -> dict[str, Any] | None:
    """One stack of bars for each week with activations, for the newest two years; None if there is none.

    Positions are in the units of the chart, from its top left corner. `top` is the count of the highest bar.
    """
    weeks = investigation.weeks[-_WEEKS_SHOWN:]
    if not weeks:
        return None
    top = max(sum(week.territories.values()) for week in weeks)
    step = _WIDTH / len(weeks)
    bars = []
    for index, week in enumerate(weeks):
        y = float(_HEIGHT)
        for name, colour in _colours(investigation).items():
            if count := week.territories.get(name):
                height = _HEIGHT * count / top
                y -= height
                x, width = index * step + step * 0.1, min(step * 0.8, 60)
                place = {"x": x, "y": y, "width": width, "height": height}
                title = f"week of {week.begins}: {count} in {name}"
                rounded = {side: round(value, 2) for side, value in place.items()}
                bars.append({**rounded, "colour": colour, "title": title})
    first, last = weeks[0].begins, weeks[-1].begins
    return {"bars": bars, "first": first, "last": last, "top": top, "width": _WIDTH, "height": _HEIGHT}
