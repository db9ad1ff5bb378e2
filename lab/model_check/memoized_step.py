"""The production `step` over canonical states, memoized, with the invariants that each step breaks."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from agent.core import updates
from agent.core.effects import Effect, EffectKind, Persist, SetAlarm, Show, ShowImei
from agent.core.events import Event, VerdictReceived
from agent.core.states import State
from agent.core.step import RejectedEventError, step
from agent.core.table import MACHINES, Machine
from lab.model_check import invariants, specification
from lab.model_check.abstraction import HERE, canonical
from lab.model_check.world_state import Memo, PendingEffect

WRITE: Final = "write"
COUNT: Final = "count"
SEND: Final = "send"
SHOW: Final = "show"
ALARM: Final = "alarm"

Replaced = tuple[Any, str, Any]
"""A part of the project in place of another: module or class, name, value."""


@dataclass(frozen=True, slots=True)
class AgentVariant:
    """The agent under test: the production tables and effect order, or one of them mutated.

    `order` is the order of effects, `persist` the order of writing the record and incrementing the counter. `replaced`
    are parts of the project that are exchanged while the variant runs (`applied`).
    """

    machines: tuple[Machine, ...] = MACHINES
    order: tuple[EffectKind, ...] = tuple(EffectKind)
    persist: tuple[str, ...] = (WRITE, COUNT)
    replaced: tuple[Replaced, ...] = ()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Exchange the `replaced` parts inside the block."""
        before = [(owner, name, vars(owner)[name]) for owner, name, _ in self.replaced]
        try:
            for owner, name, value in self.replaced:
                setattr(owner, name, value)
            yield
        finally:
            for owner, name, value in before:
                setattr(owner, name, value)

    def arranged(self, effects: Sequence[Effect]) -> list[Effect]:
        """The effects of a step in the order of this variant."""
        if self.order == tuple(EffectKind):
            return list(effects)
        return sorted(effects, key=lambda effect: self.order.index(effect_kind(effect)))


def effect_kind(effect: Effect) -> EffectKind:
    """The kind of an effect, as the tables name it."""
    words: list[str] = re.findall(r"[A-Z][a-z]*", type(effect).__name__)
    return EffectKind("-".join(words).lower())


PRODUCTION: Final = AgentVariant()


class StepOutcome(NamedTuple):
    """The number of the next state, or None if the event is rejected, and the effects."""

    after: int | None
    todo: tuple[PendingEffect, ...]
    grants: bool
    broken: tuple[invariants.Broken, ...]

    def observable(self) -> tuple[object, ...]:
        """The outcome without the order of the effects between two writes, which has no observable result."""
        segments: list[list[PendingEffect]] = [[]]
        for effect in self.todo:
            if effect.name in (WRITE, COUNT):
                segments += [[effect], []]
            else:
                segments[-1].append(effect)
        return (self.after, *(tuple(sorted(part, key=str)) for part in segments), self.grants, self.broken)


class StatePool:
    """Canonical states and events by number."""

    def __init__(self) -> None:
        self.states: list[State] = []
        self._numbers: dict[State, int] = {}
        self.events: list[Event] = []
        self._names: dict[object, int] = {}

    def number(self, state: State) -> int:
        """The number of a canonical state."""
        found = self._numbers.get(state)
        if found is None:
            found = self._numbers[state] = len(self.states)
            self.states.append(state)
        return found

    def event(self, name: object, event: Event) -> int:
        """The number of an event with a unique `name`."""
        found = self._names.get(name)
        if found is None:
            found = self._names[name] = len(self.events)
            self.events.append(event)
        return found


class Stepper:
    """`step` by numbers. `taken` has the outcome of each pair of state and event that was requested."""

    def __init__(self, variant: AgentVariant, pool: StatePool) -> None:
        self._variant = variant
        self._pool = pool
        self.taken = Memo(self._outcome)

    def _outcome(self, pair: tuple[int, int]) -> StepOutcome:
        before, event = self._pool.states[pair[0]], self._pool.events[pair[1]]
        try:
            after, effects = step(before, event, HERE, self._variant.machines, updates.apply_event)
        except RejectedEventError:
            broken = tuple(invariants.broken_by_rejection(before, event, HERE))
            return StepOutcome(None, (), grants=False, broken=broken)
        done = self._variant.arranged(effects)
        grants = isinstance(event, VerdictReceived) and event.kind in specification.FAVOURABLE
        todo: list[PendingEffect] = []
        for effect in done:
            match effect:
                case Persist():
                    todo += [
                        PendingEffect(name, grants=grants and name == WRITE) for name in self._variant.persist
                    ]
                case Show(screen, _) | ShowImei(screen, _):
                    todo.append(PendingEffect(SHOW, screen))
                case SetAlarm():
                    todo.append(PendingEffect(ALARM))
                case _:
                    todo.append(PendingEffect(SEND))
        return StepOutcome(
            self._pool.number(canonical(replace(after, attempts=0))),
            tuple(todo),
            grants=grants,
            broken=tuple(invariants.broken_by_step(before, event, after, done, HERE)),
        )
