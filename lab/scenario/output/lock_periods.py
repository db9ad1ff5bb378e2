"""The periods in which a device showed the lock screen."""

from dataclasses import dataclass
from datetime import UTC, datetime

from lab.scenario.engine.result import HandsetResult


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
        end = "the end" if self.until is None else moment(began + self.until)
        return f"{moment(began + self.since)} to {end}"


def moment(epoch: float) -> str:
    """Day and time of `epoch` in UTC.

    >>> moment(1630886400)
    '6 Sep 00:00'
    """
    then = datetime.fromtimestamp(epoch, UTC)
    return f"{day(epoch)} {then:%H:%M}"


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
