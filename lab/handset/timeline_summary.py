"""A long timeline in few lines: the entries that changed something, and counts of requests without a change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from lab.handset.timeline import Entry, Who

_DAY: Final = 86_400
_CAUSES: Final = frozenset({Who.PHONE, Who.USER, Who.MANUFACTURER})
DETAIL_NAMES: Final = {"octets": "bytes", "retry_at": "retry at", "left_out": "left out"}
"""Details whose name in JSON is not the word for a person."""
_LISTS: Final = {"left_out": "; "}
"""Details whose entries consist of several words."""
_MACHINES: Final = frozenset({"setup", "lock", "attention", "modem"})


def without_routine_entries(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries without routine ones.

    Heartbeats are left out. Check-ins and attempts that changed nothing become one entry, `checked in` or
    `request failed`, with `times`; downloads of one exchange become one entry with the number of `files` and, if any
    request was repeated, of `repeats`.
    """
    kept: list[Entry] = []
    screen = ""
    for group in _by_cause(entries):
        shown = [entry.what for entry in group if entry.who is Who.SCREEN]
        changed = any(_MACHINES & entry.detail.keys() for entry in group)
        if group[0].what != "alarm" or changed or set(shown) - {screen}:
            for download, run in groupby(group, key=lambda entry: entry.what.startswith("GET ")):
                files = list(run)
                kept += [_downloads(files)] if download and len(files) > 1 else files
        elif routine := _routine(group):
            last = kept[-1] if kept else None
            if last and last.what == routine.what and last.detail | {"times": 1} == routine.detail:
                kept[-1] = Entry(
                    last.at, last.who, last.what, last.detail | {"times": last.detail["times"] + 1}
                )
            else:
                kept.append(routine)
        screen = shown[-1] if shown else screen
    return tuple(kept)


def _downloads(requests: Sequence[Entry]) -> Entry:
    """The downloads of one exchange as one entry."""
    repeats = sum("repeat" in entry.detail for entry in requests)
    counts = {"files": len(requests) - repeats} | ({"repeats": repeats} if repeats else {})
    return Entry(requests[0].at, Who.NETWORK, "GET /tuf/…", counts)


def _by_cause(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Each cause together with the entries that follow from it."""
    group: list[Entry] = []
    for entry in entries:
        if entry.who in _CAUSES and group:
            yield group
            group = []
        group.append(entry)
    if group:
        yield group


def _routine(group: Sequence[Entry]) -> Entry | None:
    """The group as one entry, or None for a heartbeat."""
    at = group[0].at
    if verdict := next(filter(None, map(summary, group)), ""):
        return Entry(at, Who.AGENT, "checked in", {"times": 1, "verdict": verdict})
    failed = next((entry for entry in group if entry.what == "failed"), None)
    return failed and Entry(
        at, Who.AGENT, "request failed", {"times": 1, "trouble": failed.detail["trouble"]}
    )


def summary(entry: Entry) -> str:
    """Decision, reason and territory of the verdict in an entry of the network; empty if there is none.

    >>> claims = {"decision": "deny", "reason": "territory-prohibited", "territory": "CU"}
    >>> summary(Entry(0, Who.NETWORK, "POST /v1/verdicts", {"received": {"claims": claims}}))
    'deny, territory-prohibited, CU'
    """
    received: Any = entry.detail.get("received")
    claims = received.get("claims") if isinstance(received, dict) else None
    if not isinstance(claims, dict) or "decision" not in claims:
        return ""
    return ", ".join(str(claims[name]) for name in ("decision", "reason", "territory") if claims.get(name))


def detail_text(detail: Mapping[str, Any]) -> str:
    """The detail of an entry in words, without its messages.

    >>> detail_text({"status": 200, "retry_at": 469})
    'status 200, retry at 469'
    """
    words = {
        name: _LISTS.get(name, " ").join(map(str, value)) if isinstance(value, list) else value
        for name, value in detail.items()
        if name not in ("sent", "received", "args", "terms_version")
    }
    return ", ".join(f"{DETAIL_NAMES.get(name, name)} {value}" for name, value in words.items())


@dataclass(frozen=True, slots=True)
class TimestampFormat:
    """How times of one timeline are written: in seconds, or by day and time of day if it lasts for days."""

    long: bool

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "TimestampFormat":
        """The format for these entries."""
        return cls(bool(entries) and entries[-1].at >= _DAY)

    def write(self, at: float) -> str:
        """A time in seconds after the device was created.

        >>> TimestampFormat(long=True).write(5 * 86_400 + 3 * 3600), TimestampFormat(long=False).write(20.2)
        ('5 d 03:00', '20 s')
        """
        if not self.long:
            return f"{at:.0f} s"
        days, rest = divmod(int(at), _DAY)
        return f"{days} d {rest // 3600:02}:{rest % 3600 // 60:02}"
