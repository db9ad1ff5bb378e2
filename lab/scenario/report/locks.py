"""When a phone was locked, as its user saw it."""

from dataclasses import dataclass

from lab.scenario.result import HandsetResult


@dataclass(frozen=True, slots=True)
class Locked:
    """Seconds since the world began; `until` is None where the phone is still locked at the end."""

    since: float
    until: float | None


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
