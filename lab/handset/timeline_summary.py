"""A long life in few lines: what changed something, and how often the phone asked without any change."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from lab.handset.timeline import Entry, Who

_DAY: Final = 86_400
_BEGINS: Final = frozenset({Who.PHONE, Who.USER, Who.VENDOR})
_MOVES: Final = frozenset({"setup", "lock", "attention"})


def without_routine_entries(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries without what a phone does all the time.

    Heartbeats are left out. Check-ins and tries that changed nothing become one entry, `checked in` or `asked in vain`,
    with `times`; downloads of one exchange become one entry with the number of `files`.
    """
    told: list[Entry] = []
    screen = ""
    for group in _groups(entries):
        shown = [entry.what for entry in group if entry.who is Who.SCREEN]
        if group[0].what != "alarm" or _moves(group) or set(shown) - {screen}:
            told += _folded(group)
        elif routine := _routine(group):
            _add(told, routine)
        screen = shown[-1] if shown else screen
    return tuple(told)


def _groups(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """What follows from one cause, together with it."""
    group: list[Entry] = []
    for entry in entries:
        if entry.who in _BEGINS and group:
            yield group
            group = []
        group.append(entry)
    if group:
        yield group


def _moves(group: Iterable[Entry]) -> bool:
    """Whether more moved than the exchange."""
    return any(_MOVES & entry.detail.keys() for entry in group)


def _routine(group: Sequence[Entry]) -> Entry | None:
    """The whole group as one entry, or nothing for a heartbeat."""
    at = group[0].at
    if verdict := next(filter(None, map(summary, group)), ""):
        return Entry(at, Who.AGENT, "checked in", {"times": 1, "verdict": verdict})
    failed = next((entry for entry in group if entry.what == "failed"), None)
    return failed and Entry(at, Who.AGENT, "asked in vain", {"times": 1, "trouble": failed.detail["trouble"]})


def _add(told: list[Entry], routine: Entry) -> None:
    """Add to the entry just before, where that is of the same routine."""
    last = told[-1] if told else None
    if last is not None and last.what == routine.what and last.detail | {"times": 1} == routine.detail:
        told[-1] = Entry(last.at, last.who, last.what, last.detail | {"times": last.detail["times"] + 1})
    else:
        told.append(routine)


def _folded(group: Sequence[Entry]) -> Iterator[Entry]:
    """The group with its downloads as one entry."""
    for download, some in groupby(group, key=lambda entry: entry.what.startswith("GET ")):
        entries = list(some)
        if download and len(entries) > 1:
            yield Entry(entries[0].at, Who.NETWORK, "GET /tuf/…", {"files": len(entries)})
        else:
            yield from entries


def summary(entry: Entry) -> str:
    """What the verdict in an entry of the network says, in a few words; empty where there is none.

    >>> claims = {"decision": "deny", "reason": "territory-prohibited", "territory": "CU"}
    >>> summary(Entry(0, Who.NETWORK, "POST /v1/verdicts", {"received": {"claims": claims}}))
    'deny, territory-prohibited, CU'
    """
    received: Any = entry.detail.get("received")
    claims = received.get("claims") if isinstance(received, dict) else None
    if not isinstance(claims, dict) or "decision" not in claims:
        return ""
    return ", ".join(str(claims[name]) for name in ("decision", "reason", "territory") if claims.get(name))


@dataclass(frozen=True, slots=True)
class TimestampFormat:
    """How moments of one timeline are written: in seconds, or, where it lasts for days, by day and time of day."""

    long: bool

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "TimestampFormat":
        """The way that suits these entries."""
        return cls(bool(entries) and entries[-1].at >= _DAY)

    def write(self, at: float) -> str:
        """A moment, counted from when the phone was first switched on.

        >>> TimestampFormat(long=True).write(5 * 86_400 + 3 * 3600), TimestampFormat(long=False).write(20.2)
        ('5 d 03:00', '20 s')
        """
        if not self.long:
            return f"{at:.0f} s"
        days, rest = divmod(int(at), _DAY)
        return f"{days} d {rest // 3600:02}:{rest % 3600 // 60:02}"
