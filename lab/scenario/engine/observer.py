"""What there was to see of one handset: its screens, and moments to hold against a pattern."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from agent.core.states import FRESH_LOCALE
from agent.screens import Screen, build
from lab.handset.handset import Handset
from lab.handset.timeline import Entry, Who
from lab.scenario.engine.result import ScreenShot
from lab.scenario.model.expectations import ObservationPattern

_VERDICTS: Final = frozenset({"allowed", "noticed", "denied", "deferred", "released"})


DARK: Final = ("booted", "not booted", "switched off")
"""Entries of the phone after which no screen stands and no agent runs, until they show."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A moment: the entry of the timeline that tells of it, when, and what could be seen, by the words of a pattern."""

    entry: int
    at: float
    facts: Mapping[str, Any]

    def shows(self, pattern: ObservationPattern) -> bool | None:
        """Whether everything in `pattern` holds; None where something in it could not be seen at this moment."""
        wanted = {name: getattr(pattern, name) for name in pattern.model_fields_set}
        if any(name not in self.facts for name in wanted):
            return None
        return all(_holds(name, self.facts[name], value) for name, value in wanted.items())


def _holds(name: str, fact: Any, wanted: Any) -> bool:
    if name == "text":
        return wanted in fact
    if name == "offers":
        return wanted in fact
    if name == "request":
        return any(
            fnmatchcase(each, pattern) for pattern in wanted for each in (fact, fact.partition(" ")[2])
        )
    return fact in wanted if isinstance(wanted, tuple) else fact == wanted


@dataclass
class DeviceObserver:
    """Follows a handset; `catch_up` reads on to the end of its timeline."""

    handset: Handset
    seen: list[Observation] = field(default_factory=list)
    shots: list[ScreenShot] = field(default_factory=list)
    locale: str = FRESH_LOCALE
    _read: int = 0
    _verdicts: int = 0
    _machines: dict[str, str] = field(default_factory=dict)

    def catch_up(self) -> None:
        """Take in what has happened since the last time."""
        if self.handset.agent is not None:
            self.locale = self.handset.agent.state.memory.locale
        entries = self.handset.timeline.entries
        for at in range(self._read, len(entries)):
            for facts in self._facts(at, entries[at]):
                self.seen.append(Observation(at, entries[at].at, facts))
        self._read = len(entries)

    def screen(self) -> Screen | None:
        """What the user sees."""
        return self.handset.screen()

    def _facts(self, at: int, entry: Entry) -> Iterator[dict[str, Any]]:
        if entry.who is Who.SCREEN:
            yield self._screen(at, entry)
        elif entry.who is Who.NETWORK:
            yield {"request": entry.what} | self._machines | _trouble(entry)
        elif entry.who is Who.AGENT:
            yield from self._agent(entry, undone=self._undone(at))
        elif entry.who is Who.PHONE and entry.what in DARK:
            self._machines.clear()  # the next boot tells where they stand

    def _screen(self, at: int, entry: Entry) -> dict[str, Any]:
        shown = self.handset.panel.shown[len(self.shots)]
        screen = build(shown.screen, shown.facts, self.locale)
        self.shots.append(screenshot(screen, entry.at, at, shown.facts.challenge))
        return {
            "screen": screen.id,
            "offers": tuple(action for action, _ in screen.actions),
            "text": "\n".join((screen.title, *screen.body)),
            "direction": screen.direction,
            "trouble": shown.facts.trouble,
        } | self._machines

    def _agent(self, entry: Entry, *, undone: bool) -> Iterator[dict[str, Any]]:
        if "undone" in entry.detail or "rejected" in entry.detail:
            return
        if not undone:
            for name in ("setup", "lock"):
                if name in entry.detail:
                    self._machines[name] = str(entry.detail[name]).rpartition(" ")[2]
            yield dict(self._machines)
        if entry.what in _VERDICTS and not undone:
            yield self._verdict()

    def _undone(self, at: int) -> bool:
        """Whether the event did not count: the journal says so next, for sealing comes before all other effects."""
        entries = self.handset.timeline.entries
        return at + 1 < len(entries) and "undone" in entries[at + 1].detail

    def _verdict(self) -> dict[str, Any]:
        verdict = self.handset.timeline.verdicts[self._verdicts]
        self._verdicts += 1
        claims = verdict.claims
        said = {"decision": verdict.decision, "reason": verdict.reason, "rule": claims.policy.rule}
        return said | self._machines


def _trouble(entry: Entry) -> dict[str, Any]:
    return {"trouble": entry.detail["trouble"]} if "trouble" in entry.detail else {}


def screenshot(screen: Screen, at: float, entry: int, challenge: str) -> ScreenShot:
    """A screen as a result keeps it."""
    return ScreenShot(
        at=at,
        entry=entry,
        id=screen.id.value,
        locale=screen.locale,
        direction=screen.direction.value,
        title=screen.title,
        body=screen.body,
        actions=tuple((action.value, text) for action, text in screen.actions),
        symbol=screen.symbol.value if screen.symbol else None,
        dark=screen.dark,
        challenge=challenge,
    )
