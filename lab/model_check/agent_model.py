"""The running agent with its screen and its alarm: every change that an event causes, computed once."""

from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from agent.core import timing
from agent.core.events import EventKind
from agent.core.screens import ScreenFacts, ScreenId, Trouble
from agent.core.states import Exchange, Lock
from agent.screens import build
from lab.handset.display import ENFORCING
from lab.handset.image import is_provisioned
from lab.model_check import abstraction, specification
from lab.model_check.abstraction import HERE, canonical
from lab.model_check.invariants import Broken
from lab.model_check.memoized_step import ALARM, COUNT, SHOW, WRITE, AgentVariant, StatePool, Stepper
from lab.model_check.profile_traits import Traits
from lab.model_check.transitions import TAPS, TIMERS, EventSource, tap
from lab.model_check.world_state import NOT_RUNNING, Memo, PendingEffect, UserEntitlement, WorldState

_WORDS: Final = {
    "check_in_at": "the check-in",
    "warn_at": "the offline warning",
    "lock_at": "the announced lock",
    "offline_at": "the offline limit",
}


class AgentChange(NamedTuple):
    """The change of agent, screen and alarm by one event. `entitlement` is None if it does not change.

    `exposes` is set if something was shown or sent.
    """

    name: str
    agent: int
    before: int
    todo: tuple[PendingEffect, ...]
    panel: ScreenId | None
    alarm: bool
    provisioned: bool
    entitlement: UserEntitlement | None
    exposes: bool
    helpful: bool
    broken: tuple[Broken, ...]


class _Observable(NamedTuple):
    """The part of a `WorldState` that `AgentModel` reads."""

    agent: int
    panel: ScreenId | None
    alarm: bool
    provisioned: bool

    @classmethod
    def of(cls, world: WorldState) -> "_Observable":
        return cls(world.agent, world.panel, world.alarm, world.provisioned)


class AgentModel:
    """The agent of a device with `traits` that runs `variant`."""

    def __init__(self, traits: Traits, variant: AgentVariant, pool: StatePool) -> None:
        self.stepper = Stepper(variant, pool)
        self.events = EventSource(pool)
        self._traits = traits
        self._pool = pool
        self._times = Memo(self._later_states)
        self._changes = Memo(self._changes_of)

    def changes(self, world: WorldState, *, merged: bool) -> tuple[AgentChange, ...]:
        """Every possible change of an agent without pending effects."""
        return self._changes[_Observable.of(world), merged]

    def _changes_of(self, key: tuple[_Observable, bool]) -> tuple[AgentChange, ...]:
        here, merged = key
        changes = (
            *self._by_user(here),
            *self._by_system(here),
            *self._by_time(here),
            *self._from_outside(here),
        )
        return _merged(changes, here) if merged else changes

    def booted(self, agent: int, name: str, *, provisioned: bool) -> AgentChange:
        """The first event after power on, in the recovered state."""
        here = _Observable(agent, None, alarm=False, provisioned=provisioned)
        return self._event(here, self.events.kind(EventKind.BOOTED), name)

    def failed(self, world: WorldState, trouble: Trouble, name: str) -> AgentChange:
        """A failure of the exchange on the device itself."""
        return self._event(_Observable.of(world), self.events.failure(trouble), name)

    def seen(self, screen: ScreenId) -> ScreenId:
        """The screen that the user sees when the agent shows `screen`."""
        return ScreenId.HOME if self._traits.hooked and screen in ENFORCING else screen

    def apply_effects(self, name: str, world: WorldState, todo: tuple[PendingEffect, ...]) -> AgentChange:
        """Apply the effects in `todo` up to the next write or count."""
        return self._apply(_Observable.of(world), name, world.before, todo)

    def _event(self, here: _Observable, event: int, name: str, *, helpful: bool = False) -> AgentChange:
        """The change by one event; no change if it is rejected."""
        after, todo, grants, broken = self.stepper.taken[here.agent, event]
        if after is None:
            return self._apply(here, name, NOT_RUNNING, ())._replace(broken=broken)
        writes = any(effect.name == WRITE for effect in todo)
        before = here.agent if writes else NOT_RUNNING
        change = self._apply(here._replace(agent=after), name, before, todo)
        if grants and not writes:
            change = change._replace(entitlement=change.entitlement or UserEntitlement.GRANTED)
        return change._replace(helpful=helpful, broken=broken)

    def _apply(
        self, here: _Observable, name: str, before: int, todo: tuple[PendingEffect, ...]
    ) -> AgentChange:
        agent, panel, alarm, provisioned = here
        entitlement, exposes = None, False
        while todo and todo[0].name not in (WRITE, COUNT):
            effect, todo = todo[0], todo[1:]
            alarm = alarm or effect.name == ALARM
            exposes = exposes or effect.name != ALARM
            if effect.name == SHOW and effect.screen is not None:
                panel = self.seen(effect.screen)
                entitlement = UserEntitlement.BARRED if effect.screen is ScreenId.LOCKED else entitlement
        if not todo:
            provisioned = is_provisioned(self._pool.states[agent])
        shown = (panel, alarm, provisioned, entitlement, exposes)
        return AgentChange(name, agent, before, todo, *shown, helpful=True, broken=())

    def _by_user(self, here: _Observable) -> Iterator[AgentChange]:
        """Actions of the visible screen must be accepted; a stray tap for an earlier screen must do no harm."""
        offered = _offered(here.panel) if here.panel else ()
        exchanging = self._pool.states[here.agent].exchange not in specification.RESTING
        for kind in dict.fromkeys((*offered, *TAPS)):
            event = self.events.kind(kind)
            if kind not in offered:
                yield self._event(here, event, f"user: {kind}, by a stray tap")
                continue
            change = self._event(here, event, f"user: {kind}", helpful=True)
            rejected = self.stepper.taken[here.agent, event].after is None
            if rejected and not self._traits.hooked and not (kind is EventKind.RETRY and exchanging):
                reason = f"the screen {here.panel} offers {kind}, which is rejected"
                change = change._replace(broken=(*change.broken, ("D2", reason)))
            yield change

    def _by_system(self, here: _Observable) -> Iterator[AgentChange]:
        if self._traits.delivers(EventKind.SIM_CHANGED, provisioned=here.provisioned):
            yield self._event(here, self.events.kind(EventKind.SIM_CHANGED), "user: another SIM")
        if self._traits.delivers(EventKind.CONNECTED, provisioned=here.provisioned):
            yield self._event(here, self.events.kind(EventKind.CONNECTED), "network: up", helpful=True)

    def _by_time(self, here: _Observable) -> Iterator[AgentChange]:
        for name, later in self._times[here.agent]:
            yield self._apply(here._replace(agent=later), f"time: {name}", NOT_RUNNING, ())
        backoff = self._pool.states[here.agent].exchange is Exchange.BACKOFF
        source = EventKind.RETRY_DUE if backoff else EventKind.HEARTBEAT
        if here.alarm and self._traits.delivers(source, provisioned=here.provisioned):
            yield self._alarm(here)
        for kind in TIMERS:
            if self._traits.wakes_for(kind):
                yield self._event(here, self.events.kind(kind), f"time: {kind}, by a stray timer")

    def _from_outside(self, here: _Observable) -> Iterator[AgentChange]:
        for name, event, helpful, broken in self.events.found[here.agent]:
            change = self._event(here, event, name, helpful=helpful)
            yield change._replace(broken=change.broken + broken)

    def _alarm(self, here: _Observable) -> AgentChange:
        """The alarm fires: the most urgent due event is delivered, or a heartbeat."""
        state = self._pool.states[here.agent]
        kind = timing.due(state, HERE) or EventKind.HEARTBEAT
        event = self.events.kind(kind)
        change = self._event(here._replace(alarm=False), event, f"time: the alarm goes, {kind}", helpful=True)
        if self.stepper.taken[here.agent, event].after is None and state.lock is not Lock.RELEASED:
            return change._replace(broken=(*change.broken, ("D1", f"{kind} is due and rejected")))
        return change

    def _later_states(self, agent: int) -> tuple[tuple[str, int], ...]:
        """What can come with time, and the states after it."""
        state, number = self._pool.states[agent], self._pool.number
        times = [
            (f"{_WORDS[name]} comes", number(abstraction.reach(state, name)))
            for name in abstraction.to_come(state)
        ]
        if (later := number(canonical(state, abstraction.BACKOFF))) != agent:
            times.append(("the backoff runs out", later))
        return tuple(times)


def _merged(changes: tuple[AgentChange, ...], here: _Observable) -> tuple[AgentChange, ...]:
    """One change for each effect, helpful if one of them is; without those that change and break nothing."""
    kept: dict[tuple[object, ...], AgentChange] = {}
    for change in changes:
        key = (*change[1:8], change.broken)
        if key not in kept or (change.helpful and not kept[key].helpful):
            kept[key] = change
    same = (here.agent, NOT_RUNNING, (), here.panel, here.alarm, here.provisioned)
    return tuple(each for each in kept.values() if each[1:7] != same or each.broken or each.exposes)


@cache
def _offered(screen: ScreenId) -> tuple[EventKind, ...]:
    """The events that the actions of a screen cause."""
    actions = build(screen, ScreenFacts(), abstraction.LANGUAGE).actions
    return tuple(kind for action, _ in actions if (kind := tap(screen, action)))
