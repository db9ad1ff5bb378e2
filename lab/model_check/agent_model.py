"""The running agent with its screen and its alarm: every change that an event makes to them, found once."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from agent.core import timing
from agent.core.events import EventKind
from agent.core.screens import ScreenFacts, ScreenId, Trouble
from agent.core.states import Exchange, Lock
from agent.screens import build
from lab.handset.display import ENFORCING
from lab.model_check import abstraction, specification
from lab.model_check.abstraction import HERE, UNIT, canonical
from lab.model_check.invariants import Broken
from lab.model_check.memoized_step import ALARM, SHOW, Pool, Stepper
from lab.model_check.profile_traits import Traits, is_provisioned
from lab.model_check.transitions import TAPS, TIMERS, Happenings, tap
from lab.model_check.variant import COUNT, WRITE, AgentVariant
from lab.model_check.world import NOBODY, Op, UserEntitlement, World


class Change(NamedTuple):
    """What an event does to the agent and to what it shows. `standing` is None where it stays as it is.

    `exposes` says that something was shown or sent.
    """

    story: str
    agent: int
    before: int
    todo: tuple[Op, ...]
    panel: ScreenId | None
    alarm: bool
    provisioned: bool
    standing: UserEntitlement | None
    exposes: bool
    helpful: bool
    broken: tuple[Broken, ...]


class _Observable(NamedTuple):
    """The part of a world that `AgentModel` reads."""

    agent: int
    panel: ScreenId | None
    alarm: bool
    provisioned: bool


class AgentModel:
    """The agent of a phone with `traits` that runs `plan`."""

    def __init__(self, traits: Traits, plan: AgentVariant, pool: Pool) -> None:
        self.stepper = Stepper(plan, pool)
        self._traits = traits
        self._pool = pool
        self._happenings = Happenings(pool)
        self._later: dict[tuple[int, float], int] = {}
        self._found: dict[tuple[_Observable, bool], tuple[Change, ...]] = {}

    def changes(
        self, agent: int, panel: ScreenId | None, *, alarm: bool, provisioned: bool, merged: bool
    ) -> tuple[Change, ...]:
        """Everything that can happen to an agent at rest."""
        face = _Observable(agent, panel, alarm, provisioned)
        found = self._found.get((face, merged))
        if found is None:
            changes = tuple(self._changes(face))
            found = self._found[face, merged] = _merged(changes, face) if merged else changes
        return found

    def booted(self, agent: int, story: str, *, provisioned: bool) -> Change:
        """The first event after power on, in the state that was recovered."""
        face = _Observable(agent, None, alarm=False, provisioned=provisioned)
        return self._event(face, self._happenings.kind(EventKind.BOOTED), story)

    def failed(self, world: World, trouble: Trouble, story: str) -> Change:
        """An exchange that failed on the phone itself."""
        face = _Observable(world.agent, world.panel, world.alarm, world.provisioned)
        return self._event(face, self._happenings.failure(trouble), story)

    def seen(self, screen: ScreenId) -> ScreenId:
        """What the user sees of a screen that the agent shows."""
        return ScreenId.HOME if self._traits.hooked and screen in ENFORCING else screen

    def apply_effects(self, story: str, world: World, todo: tuple[Op, ...]) -> Change:
        """Carry out `todo` up to the next write or count."""
        face = _Observable(world.agent, world.panel, world.alarm, world.provisioned)
        return self._settle(face, story, world.before, todo)

    # --- one event ----------------------------------------------------------------------------------------------------

    def _event(self, face: _Observable, event: int, story: str, *, helpful: bool = False) -> Change:
        """What an event does; nothing where it is refused."""
        after, todo, grants, broken = self.stepper.outcome(face.agent, event)
        if after is None:
            return self._settle(face, story, NOBODY, ())._replace(broken=broken)
        writes = any(op.name == WRITE for op in todo)
        before = face.agent if writes else NOBODY
        change = self._settle(face._replace(agent=after), story, before, todo)
        if grants and not writes:
            change = change._replace(standing=change.standing or UserEntitlement.GRANTED)
        return change._replace(helpful=helpful, broken=broken)

    def _settle(self, face: _Observable, story: str, before: int, todo: tuple[Op, ...]) -> Change:
        agent, panel, alarm, provisioned = face
        standing, exposes = None, False
        while todo and todo[0].name not in (WRITE, COUNT):
            op, todo = todo[0], todo[1:]
            alarm = alarm or op.name == ALARM
            exposes = exposes or op.name != ALARM
            if op.name == SHOW and op.screen is not None:
                panel = self.seen(op.screen)
                standing = UserEntitlement.BARRED if op.screen is ScreenId.LOCKED else standing
        if not todo:
            provisioned = is_provisioned(self._pool.states[agent])
        return Change(
            story,
            agent,
            before,
            todo,
            panel,
            alarm,
            provisioned,
            standing,
            exposes,
            helpful=True,
            broken=(),
        )

    # --- everything that can happen -----------------------------------------------------------------------------------

    def _changes(self, face: _Observable) -> Iterator[Change]:
        yield from self._user(face)
        yield from self._system(face)
        yield from self._time(face)
        for story, event, helpful in self._happenings.outside(face.agent):
            yield self._event(face, event, story, helpful=helpful)

    def _user(self, face: _Observable) -> Iterator[Change]:
        """What the screen offers must be done; a stray tap on what an earlier screen offered must do no harm."""
        offered = _offered(face.panel) if face.panel else ()
        for kind in dict.fromkeys((*offered, *TAPS)):
            number = self._happenings.kind(kind)
            if kind in offered:
                change = self._event(face, number, f"user: {kind}", helpful=True)
                yield change._replace(broken=change.broken + self._deaf(face, kind, number))
            else:
                yield self._event(face, number, f"user: {kind}, by a stray tap")

    def _deaf(self, face: _Observable, kind: EventKind, event: int) -> tuple[Broken, ...]:
        """A button that does nothing, unless it asks for what is under way already."""
        under_way = self._pool.states[face.agent].exchange not in specification.RESTING
        taken = self.stepper.outcome(face.agent, event).after is not None
        if taken or self._traits.hooked or (kind is EventKind.RETRY and under_way):
            return ()
        return (("D2", f"the screen {face.panel} offers {kind}, and it is refused"),)

    def _system(self, face: _Observable) -> Iterator[Change]:
        if self._traits.delivers(EventKind.SIM_CHANGED, provisioned=face.provisioned):
            yield self._event(face, self._happenings.kind(EventKind.SIM_CHANGED), "user: another SIM")
        if self._traits.delivers(EventKind.CONNECTED, provisioned=face.provisioned):
            yield self._event(face, self._happenings.kind(EventKind.CONNECTED), "network: up", helpful=True)

    def _time(self, face: _Observable) -> Iterator[Change]:
        for elapsed, story in (
            (UNIT, "the next deadline comes"),
            (abstraction.BACKOFF, "the backoff runs out"),
        ):
            later = self._at(face.agent, elapsed)
            if later != face.agent:
                yield self._settle(face._replace(agent=later), f"time: {story}", NOBODY, ())
        if face.alarm and self._wakes(face):
            yield self._woken(face)
        for kind in TIMERS:
            if self._traits.wakes_for(kind):
                yield self._event(face, self._happenings.kind(kind), f"time: {kind}, by a stray timer")

    def _wakes(self, face: _Observable) -> bool:
        """Whether an alarm runs the agent: for a failed exchange by one registration, else by another."""
        backoff = self._pool.states[face.agent].exchange is Exchange.BACKOFF
        return self._traits.delivers(
            EventKind.RETRY_DUE if backoff else EventKind.HEARTBEAT, provisioned=face.provisioned
        )

    def _woken(self, face: _Observable) -> Change:
        """The alarm goes: the most urgent thing that is due happens, or a heartbeat."""
        state = self._pool.states[face.agent]
        kind = timing.due(state, HERE) or EventKind.HEARTBEAT
        event = self._happenings.kind(kind)
        change = self._event(face._replace(alarm=False), event, f"time: the alarm goes, {kind}", helpful=True)
        refused = self.stepper.outcome(face.agent, event).after is None and state.lock is not Lock.RELEASED
        return (
            change._replace(broken=(*change.broken, ("D1", f"{kind} is due and refused")))
            if refused
            else change
        )

    def _at(self, agent: int, elapsed: float) -> int:
        found = self._later.get((agent, elapsed))
        if found is None:
            found = self._pool.number(canonical(self._pool.states[agent], elapsed))
            self._later[agent, elapsed] = found
        return found


def _merged(changes: tuple[Change, ...], face: _Observable) -> tuple[Change, ...]:
    """One change for each effect, helpful if any of them is; what changes nothing and breaks nothing is left out."""
    kept: dict[tuple[object, ...], Change] = {}
    for change in changes:
        key = (*change[1:8], change.broken)
        if key not in kept or (change.helpful and not kept[key].helpful):
            kept[key] = change
    still = (face.agent, NOBODY, (), face.panel, face.alarm, face.provisioned)
    return tuple(
        change for change in kept.values() if change[1:7] != still or change.broken or change.exposes
    )


@cache
def _offered(screen: ScreenId) -> tuple[EventKind, ...]:
    """What the buttons of a screen tell the machine."""
    actions = build(screen, ScreenFacts(), abstraction.LANGUAGE).actions
    return tuple(kind for action, _ in actions if (kind := tap(screen, action)))
