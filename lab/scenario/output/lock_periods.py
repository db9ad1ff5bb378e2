"""When a phone was locked, as its user saw it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from lab.scenario.engine.result import HandsetResult


@dataclass(frozen=True, slots=True)
class Locked:
    """Seconds since the world began; `until` is None where the phone is still locked at the end."""

    since: float
    until: float | None

    def text(self, began: int) -> str:
        """From when to when in UTC, in a world that began at `began`, seconds since the epoch.

        >>> Locked(3600, None).text(1630886400)
        '6 Sep 01:00 to the end'
        """
        end = "the end" if self.until is None else moment(began + self.until)
        return f"{moment(began + self.since)} to {end}"


def moment(epoch: float) -> str:
    """A moment as people write it, in UTC.

    >>> moment(1630886400)
    '6 Sep 00:00'
    """
    then = datetime.fromtimestamp(epoch, UTC)
    return f"{day(epoch)} {then:%H:%M}"


def day(epoch: float) -> str:
    """The day of a moment, in UTC.

    >>> day(1630886400)
    '6 Sep'
    """
    then = datetime.fromtimestamp(epoch, UTC)
    return f"{then.day} {then:%b}"


def locks(handset: HandsetResult) -> tuple[Locked, ...]:
    """The spans between a lock screen and the next screen that is another one."""
    spans: list[Locked] = []
    since: float | None = None
    for shot in handset.screens:
        if shot.id == "locked" and since is None:
            since = shot.at
        elif shot.id != "locked" and since is not None:
            spans.append(Locked(since, shot.at))
            since = None
    if since is not None:
        spans.append(Locked(since, None))
    return tuple(spans)
