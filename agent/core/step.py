"""`step`: takes one event and returns the next state and the effects. The rules are in `table`."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from agent.core import timing
from agent.core.effects import (
    Collect,
    Effect,
    EffectKind,
    Persist,
    RequestChallenge,
    RequestVerdict,
    SetAlarm,
    Show,
    ShowImei,
)
from agent.core.events import Event
from agent.core.screen_selection import facts_of, screen_of
from agent.core.states import State
from agent.core.table import MACHINES, Machine, Rejection
from agent.core.timing import Context
from agent.core.updates import apply_event

Update = Callable[[State, Event, Context], State]
"""How an event changes the data in a state."""


class RejectedEventError(Exception):
    """The event cannot happen in this state; the state is unchanged. `rejection` is the stable name of the reason."""

    def __init__(self, rejection: Rejection, machine: str, state: StrEnum, event: Event) -> None:
        super().__init__(f"{event.kind} is rejected by {machine} in {state}: {rejection}")
        self.rejection = rejection
        self.machine = machine
        self.state = state
        self.event = event


def step(
    state: State,
    event: Event,
    context: Context,
    machines: tuple[Machine, ...] = MACHINES,
    update: Update = apply_event,
) -> tuple[State, tuple[Effect, ...]]:
    """The state after `event`, and the effects in the order in which they must be performed.

    Raises RejectedEventError if one of the machines rejects the event; then it happens in none of them.

    >>> from agent.core.events import EventKind, SimpleEvent
    >>> from agent.core.states import fresh
    >>> after, effects = step(fresh(0), SimpleEvent(EventKind.BOOTED), Context(elapsed=0.0, fraction=0.0))
    >>> [type(effect).__name__ for effect in effects]
    ['Persist', 'Show']
    """
    kind = event.kind
    targets: dict[str, Any] = {}
    wanted: set[EffectKind] = set()
    for machine in machines:
        if kind not in machine.alphabet:
            continue
        current: StrEnum = getattr(state, machine.name)
        for row in machine.rows.get((current, kind), ()):
            if row.guard is None or row.guard(state, context):
                targets[machine.name] = row.target
                wanted.update(row.do)
                break
        else:
            raise RejectedEventError(machine.rejects[current, kind], machine.name, current, event)
    after = update(replace(state, **targets), event, context)
    if EffectKind.PERSIST in wanted:
        after = replace(after, memory=timing.advance(after.memory, context))
    return after, tuple(_EFFECT[do](after, context) for do in EffectKind if do in wanted)


_EFFECT: Final[dict[EffectKind, Callable[[State, Context], Effect]]] = {
    EffectKind.PERSIST: lambda _, __: Persist(),
    EffectKind.SHOW: lambda state, context: Show(screen_of(state), facts_of(state, context)),
    EffectKind.SHOW_IMEI: lambda state, context: ShowImei(screen_of(state), facts_of(state, context)),
    EffectKind.SET_ALARM: lambda state, context: SetAlarm(timing.alarm(state, context)),
    EffectKind.COLLECT: lambda _, __: Collect(),
    EffectKind.REQUEST_CHALLENGE: lambda _, __: RequestChallenge(),
    EffectKind.REQUEST_VERDICT: lambda state, _: RequestVerdict(state.nonce),
}
