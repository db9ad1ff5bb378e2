"""What all expectations share: what they are about, and how a member is held against what is there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from lab.handset.timeline import Entry, Who
from lab.scenario.engine.context import ScenarioContext, ScenarioDevice
from lab.scenario.engine.observer import DARK, Observation
from lab.scenario.engine.result import Mismatch
from lab.scenario.model.field_types import Bounds, Span, Table

NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What an expectation is about: a handset, and from which entry of its timeline on."""

    context: ScenarioContext
    device: ScenarioDevice
    since: int

    @property
    def entries(self) -> Sequence[Entry]:
        """The timeline from there on."""
        return self.device.handset.timeline.entries[self.since :]

    @property
    def seen(self) -> Iterator[Observation]:
        """The moments from there on, the screen that stood there before all."""
        before = [
            each for each in self.device.observer.seen if each.entry < self.since and "screen" in each.facts
        ]
        after = (moment for moment in self.device.observer.seen if moment.entry >= self.since)
        standing = before[-1:] if self.since and self._still(before) else []
        return chain(standing, after)

    def _still(self, before: Sequence[Observation]) -> bool:
        """Whether the newest screen still stood: the phone was not switched off since."""
        entries = self.device.handset.timeline.entries
        rest = entries[before[-1].entry : self.since] if before else ()
        return not any(entry.who is Who.PHONE and entry.what in DARK for entry in rest)


def json_of(value: Any) -> Any:
    """A value of the models as JSON, as files write it."""
    if isinstance(value, Table):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    if isinstance(value, list | tuple):
        return [json_of(part) for part in value]
    return getattr(value, "value", value)


def among(member: str, wanted: tuple[Any, ...] | None, actual: Any) -> Iterator[Mismatch]:
    """A word that is none of those that are wanted."""
    if wanted is not None and actual not in wanted:
        listed = json_of(wanted)
        yield Mismatch(member, listed[0] if len(listed) == 1 else listed, json_of(actual))


def equal(member: str, wanted: Any, actual: Any) -> Iterator[Mismatch]:
    """A value that is another. True is no number."""
    if wanted is not None and (wanted != actual or isinstance(wanted, bool) != isinstance(actual, bool)):
        yield Mismatch(member, json_of(wanted), json_of(actual))


def within(member: str, wanted: Bounds | Span | None, actual: float | None) -> Iterator[Mismatch]:
    """A number out of its bounds."""
    if wanted is not None and (actual is None or actual not in wanted):
        yield Mismatch(member, json_of(wanted), actual)


def at_path(value: Any, path: str) -> Any:
    """What is at a dotted path in JSON, None where nothing is; numbers index lists, from 0."""
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
