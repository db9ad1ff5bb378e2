"""Lock periods of devices, and the devices of one scenario on a common time axis."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from lab.handset.outcome import Outcome
from lab.reports.palette import LOOKS
from lab.scenario.engine.result import HandsetResult, ScenarioResult

COHORT_SIZE_MIN: Final = 4
"""The page has a time axis for scenarios with at least this number of devices."""

COHORTS_MAX: Final = 6
"""The maximum number of time axes on the page."""

_DAY: Final = 86_400
_TICKS: Final = 8


@dataclass(frozen=True, slots=True)
class LockPeriod:
    """Seconds since the start of the world; `until` is None if the device is locked at the end."""

    since: float
    until: float | None

    def text(self, began: int) -> str:
        """Start and end in UTC, in a world that started at `began`, seconds since the epoch.

        >>> LockPeriod(3600, None).text(1630886400)
        '6 Sep 01:00 to the end'
        """
        start, end = (
            "the end" if at is None else f"{day(began + at)} {datetime.fromtimestamp(began + at, UTC):%H:%M}"
            for at in (self.since, self.until)
        )
        return f"{start} to {end}"


def day(epoch: float) -> str:
    """The day of `epoch` in UTC.

    >>> day(1630886400)
    '6 Sep'
    """
    then = datetime.fromtimestamp(epoch, UTC)
    return f"{then.day} {then:%b}"


def locks(handset: HandsetResult) -> tuple[LockPeriod, ...]:
    """The periods from a lock screen to the next other screen."""
    periods: list[LockPeriod] = []
    since: float | None = None
    for shot in handset.screens:
        if shot.id == "locked" and since is None:
            since = shot.at
        elif shot.id != "locked" and since is not None:
            periods.append(LockPeriod(since, shot.at))
            since = None
    if since is not None:
        periods.append(LockPeriod(since, None))
    return tuple(periods)


def cohorts(result: ScenarioResult) -> dict[str, Any]:
    """The data for the page. Positions are percentages of the duration of the scenario; ticks are midnights in UTC."""
    length = max(result.elapsed, 1.0)
    first = -(-result.began // _DAY) * _DAY
    midnights = range(first, int(result.began + length) + 1, _DAY)
    return {
        "name": result.name,
        "about": result.about,
        "combination": ", ".join(f"{name} {value}" for name, value in sorted(result.parameters.items())),
        "id": result.id,
        "rows": [_row(each, result.began, length) for each in result.handsets],
        "ticks": [
            {"left": round(100 * (epoch - result.began) / length, 2), "text": day(epoch)}
            for epoch in midnights[:: max(1, -(-len(midnights) // _TICKS))]
        ],
    }


def _row(handset: HandsetResult, began: int, length: float) -> dict[str, Any]:
    bars = []
    for period in locks(handset):
        left = 100 * period.since / length
        right = 100.0 if period.until is None else 100 * period.until / length
        width = round(max(0.6, right - left), 2)
        bars.append({"left": round(left, 2), "width": width, "text": period.text(began)})
    parts = [" → ".join(handset.profiles)]
    before = handset.activated
    if before is not None:  # also a device without an agent is set up
        parts.append(f"set up in {before.place} on {day(before.at)}")
    if before is None or before.place != handset.place:
        parts.append(f"now in {handset.place}" if before else f"in {handset.place}")
    return {
        "name": handset.name,
        "what": ", ".join(parts),
        "bars": bars,
        "outcome": handset.outcome,
        "colour": LOOKS[Outcome(handset.outcome)].colour,
    }
