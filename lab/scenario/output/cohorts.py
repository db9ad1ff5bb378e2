"""Lock periods of devices, and the devices of one scenario on a common time axis."""

from datetime import UTC, datetime
from typing import Any, Final

from lab.handset.outcome import Outcome
from lab.reports.palette import LOOKS
from lab.scenario.engine.result import GroupResult, HandsetResult, LockPeriod, ScenarioResult

COHORT_SIZE_MIN: Final = 4
"""The page has a time axis for scenarios with at least this number of devices."""

COHORTS_MAX: Final = 6
"""The maximum number of time axes on the page."""

_DAY: Final = 86_400
_TICKS: Final = 8


def period_text(period: LockPeriod, began: int) -> str:
    """Start and end of a period in UTC, in a world that started at `began`, seconds since the epoch.

    >>> period_text(LockPeriod(3600, None), 1630886400)
    '6 Sep 01:00 to the end'
    """
    start, end = (
        "the end" if at is None else f"{day(began + at)} {datetime.fromtimestamp(began + at, UTC):%H:%M}"
        for at in (period.since, period.until)
    )
    return f"{start} to {end}"


def day(epoch: float) -> str:
    """The day of `epoch` in UTC.

    >>> day(1630886400)
    '6 Sep'
    """
    then = datetime.fromtimestamp(epoch, UTC)
    return f"{then.day} {then:%b}"


def cohorts(result: ScenarioResult) -> dict[str, Any]:
    """The data for the page. Positions are percentages of the duration of the scenario; ticks are midnights in UTC."""
    length = max(result.elapsed, 1.0)
    first = -(-result.began // _DAY) * _DAY
    midnights = range(first, int(result.began + length) + 1, _DAY)
    sums = {group.name: group for group in result.groups}
    rows: dict[str, list[HandsetResult]] = {}
    for each in result.handsets:
        rows.setdefault(each.group or each.name, []).append(each)
    return {
        "name": result.name,
        "about": result.about,
        "combination": ", ".join(f"{name} {value}" for name, value in sorted(result.parameters.items())),
        "id": result.id,
        "rows": [_row(members, sums.get(name), result.began, length) for name, members in rows.items()],
        "ticks": [
            {"left": round(100 * (epoch - result.began) / length, 2), "text": day(epoch)}
            for epoch in midnights[:: max(1, -(-len(midnights) // _TICKS))]
        ],
    }


def _row(
    members: list[HandsetResult], group: GroupResult | None, began: int, length: float
) -> dict[str, Any]:
    """A handset, or a group with the periods of all of its members."""
    bars, handset = [], members[0]
    for period in dict.fromkeys(period for each in members for period in each.locked):
        left = 100 * period.since / length
        right = 100.0 if period.until is None else 100 * period.until / length
        width = round(max(0.6, right - left), 2)
        bars.append(
            {"left": round(min(left, 100 - width), 2), "width": width, "text": period_text(period, began)}
        )
    parts = [" → ".join(handset.profiles)]
    before = handset.activated
    if before is not None:  # also a device without an agent is set up
        parts.append(f"set up in {before.place} on {day(before.at)}")
    if before is None or before.place != handset.place:
        parts.append(f"now in {handset.place}" if before else f"in {handset.place}")
    return {
        "name": group.name if group else handset.name,
        "what": ", ".join(parts),
        "bars": bars,
        "outcome": group.text() if group else handset.outcome,
        "colour": LOOKS[Outcome(handset.outcome)].colour,
    }
