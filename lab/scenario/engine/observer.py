"""Reads the timeline of a handset into observations: what a person or a tool could see at each moment."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final

from agent.core.states import FRESH_LOCALE
from agent.screens import Screen, build
from agent.sealing import unseal
from lab.handset.handset import Handset
from lab.handset.timeline import Entry, Who
from lab.scenario.engine.result import RecordChange, ScreenShot
from lab.scenario.model.expectations import ObservationPattern
from text_input.printable import without_isolates

_VERDICTS: Final = frozenset({"allowed", "noticed", "denied", "deferred", "released"})

DARK: Final = ("booted", "not booted", "switched off")
"""Entries of the phone after which there is no screen and no known state of the agent, until the next ones."""


def visible_text(screen: Screen) -> str:
    """Title and body, without the isolates around values (UAX #9), which are invisible."""
    return without_isolates("\n".join((screen.title, *screen.body)))


_built = lru_cache(maxsize=256)(build)
"""Most screens of a device are those of every device."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A moment: the index of its timeline entry, its time, and the observable facts by the members of patterns."""

    entry: int
    at: float
    facts: Mapping[str, Any]

    def matches(self, pattern: ObservationPattern) -> bool | None:
        """Whether everything in `pattern` holds; None if one of its facts is not observable at this moment."""
        wanted = {name: getattr(pattern, name) for name in pattern.model_fields_set}
        if any(name not in self.facts for name in wanted):
            return None
        return all(_holds(name, self.facts[name], value) for name, value in wanted.items())


def _holds(name: str, fact: Any, wanted: Any) -> bool:
    if name in ("text", "offers"):
        return wanted in fact
    if name == "request":
        with_and_without_method = (fact, fact.partition(" ")[2])
        return any(fnmatchcase(each, pattern) for pattern in wanted for each in with_and_without_method)
    return fact in wanted if isinstance(wanted, tuple) else fact == wanted


@dataclass
class DeviceObserver:
    """Follows a handset; `catch_up` reads its timeline to the end."""

    handset: Handset
    seen: list[Observation] = field(default_factory=list)
    shots: list[ScreenShot] = field(default_factory=list)
    locale: str = FRESH_LOCALE
    _read: int = 0
    _verdicts: int = 0
    _states: dict[str, str] = field(default_factory=dict)
    _records: list[tuple[int, bytes | None, bytes]] = field(default_factory=list)
    _sealing_keys: dict[int, bytes] = field(default_factory=dict)

    def catch_up(self) -> None:
        """Read the entries that were added since the last call."""
        if self.handset.agent is not None:
            self.locale = self.handset.agent.state.memory.locale
        entries = self.handset.timeline.entries
        for at in range(self._read, len(entries)):
            for facts in self._facts(at, entries[at]):
                self.seen.append(Observation(at, entries[at].at, facts))
        self._read = len(entries)

    def record_changed(self, content: bytes | None) -> None:
        """The store has this content from now on. The key depends on the image, so it is read once for each."""
        image = len(self.handset.profiles)
        if image not in self._sealing_keys:
            self._sealing_keys[image] = self.handset.sealing_key()
        self._records.append((len(self.handset.timeline.entries), content, self._sealing_keys[image]))

    def records(self) -> Iterator[RecordChange]:
        """Every change of the sealed record, unsealed."""
        for entries, content, key in self._records:
            record = unseal(content, key) if content is not None else None
            yield RecordChange(
                entries,
                None if content is None else len(content),
                record.model_dump(mode="json") if record else None,
            )

    def first_current(self) -> int:
        """The index of the observation of the current screen; without a screen, of the next observation."""
        if self.handset.display.current is None:
            return len(self.seen)
        indexes = reversed(range(len(self.seen)))
        return next((at for at in indexes if "screen" in self.seen[at].facts), len(self.seen))

    def newest(self, names: Set[str]) -> dict[str, Any]:
        """The newest of the facts with these names. Empty without any."""
        facts: dict[str, Any] = {}
        for observation in reversed(self.seen):
            facts |= {
                name: observation.facts[name] for name in names - facts.keys() if name in observation.facts
            }
        return {name: facts[name] for name in sorted(facts)}

    def _facts(self, at: int, entry: Entry) -> Iterator[dict[str, Any]]:
        if entry.who is Who.SCREEN:
            yield self._screen_facts(at, entry)
        elif entry.who is Who.NETWORK:
            trouble = {"trouble": entry.detail["trouble"]} if "trouble" in entry.detail else {}
            yield {"request": entry.what} | self._states | trouble
        elif entry.who is Who.AGENT:
            yield from self._agent_facts(at, entry)
        elif entry.who is Who.PHONE and entry.what in DARK:
            self._states.clear()  # the next boot reports them

    def _screen_facts(self, at: int, entry: Entry) -> dict[str, Any]:
        shown = self.handset.display.history[len(self.shots)]
        screen = _built(shown.screen, shown.facts, self.locale)
        self.shots.append(
            ScreenShot(
                at=entry.at,
                entry=at,
                id=screen.id.value,
                locale=screen.locale,
                direction=screen.direction.value,
                title=screen.title,
                body=screen.body,
                actions=tuple((action.value, text) for action, text in screen.actions),
                symbol=screen.symbol.value if screen.symbol else None,
                dark=screen.dark,
                challenge=shown.facts.challenge,
            )
        )
        return {
            "screen": screen.id,
            "offers": tuple(action for action, _ in screen.actions),
            "text": visible_text(screen),
            "direction": screen.direction,
            "trouble": shown.facts.trouble,
        } | self._states

    def _agent_facts(self, at: int, entry: Entry) -> Iterator[dict[str, Any]]:
        """Nothing for an event that was undone: the next entry says so, as sealing comes before all other effects."""
        entries = self.handset.timeline.entries
        undone = at + 1 < len(entries) and "undone" in entries[at + 1].detail
        if undone or "undone" in entry.detail or "rejected" in entry.detail:
            return
        for name in ("setup", "lock"):
            if name in entry.detail:
                self._states[name] = str(entry.detail[name]).rpartition(" ")[2]
        yield dict(self._states)
        if entry.what in _VERDICTS:
            verdict = self.handset.timeline.verdicts[self._verdicts]
            self._verdicts += 1
            rule = verdict.claims.policy.rule
            yield {"decision": verdict.decision, "reason": verdict.reason, "rule": rule} | self._states
