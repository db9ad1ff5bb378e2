"""The production `step` over canonical states, remembered, with what each step breaks."""

from dataclasses import replace
from typing import Final, NamedTuple

from agent.core.effects import Effect, Persist, SetAlarm, Show, ShowImei
from agent.core.events import Event, VerdictReceived
from agent.core.states import State
from agent.core.step import RejectedEventError, step
from lab.model_check import invariants, specification
from lab.model_check.abstraction import HERE, canonical
from lab.model_check.variant import COUNT, WRITE, AgentVariant
from lab.model_check.world import Op

SEND: Final = "send"
SHOW: Final = "show"
ALARM: Final = "alarm"


class Outcome(NamedTuple):
    """Where an event leads, as a number into the pool, or None where it is refused, and what it causes."""

    after: int | None
    todo: tuple[Op, ...]
    grants: bool
    broken: tuple[invariants.Broken, ...]

    def told(self) -> tuple[object, ...]:
        """All that can be told from outside, which the order of what happens between two writes cannot."""
        segments: list[list[Op]] = [[]]
        for op in self.todo:
            segments += [[op], []] if op.name in (WRITE, COUNT) else []
            if op.name not in (WRITE, COUNT):
                segments[-1].append(op)
        return (self.after, *(tuple(sorted(part, key=str)) for part in segments), self.grants, self.broken)


class Pool:
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
        """The number of an event that `name` tells from all others."""
        found = self._names.get(name)
        if found is None:
            found = self._names[name] = len(self.events)
            self.events.append(event)
        return found


class Stepper:
    """`step` by numbers. `taken` keeps every pair that was ever asked for."""

    def __init__(self, plan: AgentVariant, pool: Pool) -> None:
        self._plan = plan
        self._pool = pool
        self.taken: dict[tuple[int, int], Outcome] = {}

    def outcome(self, state: int, event: int) -> Outcome:
        """What becomes of `event` in `state`."""
        found = self.taken.get((state, event))
        if found is None:
            found = self.taken[state, event] = self._outcome(
                self._pool.states[state], self._pool.events[event]
            )
        return found

    def _outcome(self, before: State, event: Event) -> Outcome:
        try:
            after, effects = step(before, event, HERE, self._plan.machines)
        except RejectedEventError:
            return Outcome(
                None, (), grants=False, broken=tuple(invariants.broken_by_refusal(before, event, HERE))
            )
        done = self._plan.arranged(effects)
        grants = isinstance(event, VerdictReceived) and event.kind in specification.FAVOURABLE
        return Outcome(
            self._pool.number(canonical(replace(after, attempts=0))),
            self._todo(done, grants=grants),
            grants=grants,
            broken=tuple(invariants.broken_by_step(before, event, after, done, HERE)),
        )

    def _todo(self, effects: list[Effect], *, grants: bool) -> tuple[Op, ...]:
        todo: list[Op] = []
        for effect in effects:
            match effect:
                case Persist():
                    todo += [Op(name, grants=grants and name == WRITE) for name in self._plan.persist]
                case Show(screen, _) | ShowImei(screen, _):
                    todo.append(Op(SHOW, screen))
                case SetAlarm():
                    todo.append(Op(ALARM))
                case _:
                    todo.append(Op(SEND))
        return tuple(todo)
