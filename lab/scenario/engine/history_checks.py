"""Expectations of what has happened: requests, timeline, never, always, and when a phone was locked."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from lab.fault_proxy.faults import Route
from lab.handset.timeline import Entry, Who
from lab.scenario.engine.check_helpers import CheckContext, at_path, json_of, within
from lab.scenario.engine.observer import Observation
from lab.scenario.engine.result import Mismatch
from lab.scenario.model.expectations import EntryPattern, LockedPeriod, ObservationPattern, RequestsExpected


def requests(check: CheckContext, wanted: RequestsExpected) -> Iterator[Mismatch]:
    """How many requests have left the phone."""
    paths = [entry.what.partition(" ")[2] for entry in check.entries if entry.who is Who.NETWORK]
    for route in Route:
        count = sum(route.matches(path) for path in paths)
        yield from within(f"requests.{route}", getattr(wanted, route.value), count)


def timeline(check: CheckContext, wanted: tuple[EntryPattern, ...]) -> Iterator[Mismatch]:
    """Entries that are there in this order."""
    rest = iter(check.entries)
    after = "the beginning"
    for at, pattern in enumerate(wanted):
        found = next((entry for entry in rest if _fits(entry, pattern)), None)
        if found is None:
            yield Mismatch(f"timeline[{at + 1}]", json_of(pattern), f"nothing of the kind after {after}")
            return
        after = f"{found.who} {found.what} at {found.at:g} s"


def _fits(entry: Entry, pattern: EntryPattern) -> bool:
    if pattern.who not in (None, entry.who) or not fnmatchcase(entry.what, pattern.what):
        return False
    return all(_like(at_path(entry.detail, path), value) for path, value in (pattern.detail or {}).items())


def _like(found: Any, wanted: Any) -> bool:
    return (
        fnmatchcase(str(found), wanted) if isinstance(wanted, str) and found is not None else found == wanted
    )


def never(check: CheckContext, wanted: tuple[ObservationPattern, ...]) -> Iterator[Mismatch]:
    """What there never was."""
    for pattern in wanted:
        if found := next((moment for moment in check.seen if moment.shows(pattern)), None):
            yield Mismatch("never", json_of(pattern), _told(found))


def always(check: CheckContext, wanted: tuple[ObservationPattern, ...]) -> Iterator[Mismatch]:
    """What held whenever it could."""
    for pattern in wanted:
        held = [(moment, moment.shows(pattern)) for moment in check.seen]
        if all(shows is None for _, shows in held):
            yield Mismatch("always", json_of(pattern), "it could not be seen at any moment")
        elif found := next((moment for moment, shows in held if shows is False), None):
            yield Mismatch("always", json_of(pattern), _told(found))


def _told(moment: Observation) -> dict[str, Any]:
    facts = {name: json_of(value) for name, value in moment.facts.items() if value is not None}
    return {"at": moment.at, **facts}


def was_locked(check: CheckContext, wanted: tuple[LockedPeriod, ...]) -> Iterator[Mismatch]:
    """When the lock screen stood."""
    began, periods = check.context.began, locked_periods(check.device.observer.seen)
    told = [{"from": _moment(began + a), "to": None if b is None else _moment(began + b)} for a, b in periods]
    if len(periods) != len(wanted):
        yield Mismatch("was-locked", json_of(wanted), told)
        return
    for at, ((start, end), period) in enumerate(zip(periods, wanted, strict=True)):
        if not _is_period(period, began + start, None if end is None else began + end):
            yield Mismatch(f"was-locked[{at + 1}]", json_of(period), told[at])


def locked_periods(seen: Sequence[Observation]) -> list[tuple[float, float | None]]:
    """From when to when the lock screen stood, in seconds since the world began; None for until now."""
    periods: list[tuple[float, float | None]] = []
    for moment in seen:
        if "screen" not in moment.facts:
            continue
        standing = bool(periods) and periods[-1][1] is None
        locked = moment.facts["screen"] == "locked"
        if locked and not standing:
            periods.append((moment.at, None))
        elif standing and not locked:
            periods[-1] = (periods[-1][0], moment.at)
    return periods


def _is_period(wanted: LockedPeriod, start: float, end: float | None) -> bool:
    return (
        (wanted.after is None or start >= wanted.after)
        and (wanted.before is None or start < wanted.before)
        and (wanted.lifted_after is None or (end is not None and end >= wanted.lifted_after))
        and (wanted.lifted_before is None or (end is not None and end < wanted.lifted_before))
        and wanted.lifted in (None, end is not None)
    )


def _moment(epoch: float) -> str:
    return datetime.fromtimestamp(int(epoch), UTC).isoformat().replace("+00:00", "Z")
