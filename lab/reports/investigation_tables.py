"""The investigation in a terminal."""

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lab.reports.investigation_text import FINDINGS, HEADINGS, between, coverage, lead, percent
from server_stub.investigation.analysis import Investigation, OriginTable, Share, ShareFinding

_STYLES = {ShareFinding.ABOVE: "bold red", ShareFinding.BELOW: "green", ShareFinding.UNDECIDED: "dim"}


def tables(found: Investigation) -> RenderableType:
    """The answer, one table for each dimension of which anything is known, and the weeks."""
    shown: list[RenderableType] = [Text(lead(found) + "\n")]
    shown += [_dimension(table) for table in found.tables if table.known]
    unknown = [HEADINGS[table.dimension].lower() for table in found.tables if not table.known]
    if unknown and found.activated:
        shown.append(Text(f"Nothing is known of: {', '.join(unknown)}.\n", "dim"))
    if found.weeks:
        shown.append(_weeks(found))
    return Group(*shown)


def _dimension(table: OriginTable) -> RenderableType:
    grid = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=coverage(table), caption_justify="left")
    grid.add_column(HEADINGS[table.dimension].lower())
    for heading in ("phones", "prohibited", "share"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("surely", no_wrap=True)
    grid.add_column("of all", justify="right", no_wrap=True)
    grid.add_column("against the rest")
    for share in (*table.shares, *([table.rest] if table.rest else [])):
        grid.add_row(*_cells(share))
    return grid


def _cells(share: Share) -> tuple[Text | str, ...]:
    return (
        Text(share.value),
        str(share.activated),
        str(share.prohibited),
        percent(share.rate),
        between(share.interval),
        percent(share.of_all),
        Text(FINDINGS[share.finding], _STYLES[share.finding]),
    )


def _weeks(found: Investigation) -> RenderableType:
    grid = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), title="Activations by week", title_justify="left")
    grid.add_column("from Monday", no_wrap=True)
    for territory in found.territories:
        grid.add_column(territory, justify="right")
    for week in found.weeks:
        grid.add_row(week.begins, *(str(week.territories.get(each, "")) for each in found.territories))
    return grid
