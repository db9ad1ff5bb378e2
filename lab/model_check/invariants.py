"""The invariants, as predicates over one step and over one world. I7 and I9 also need the whole graph, see `search`."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, get_args

from agent.core import effects as e
from agent.core.events import Event, EventKind, VerdictReceived
from agent.core.screen_selection import screen_of
from agent.core.screens import Action, ScreenFacts, ScreenId
from agent.core.states import Exchange, Lock, State, fresh
from agent.core.timing import Context, reached, trusted_now
from agent.screens import build
from agent.screens.tags import LANGUAGES
from lab.model_check import specification
from lab.model_check.abstraction import DEADLINES, canonical, skeleton
from lab.model_check.profile_traits import Traits
from lab.model_check.world import NEWEST, NOBODY, File, UserEntitlement, World

Broken = tuple[str, str]
"""The name of an invariant, and what breaks it."""

INVARIANTS: Final[dict[str, str]] = {
    "I1": "only a verified allow for this phone and challenge activates it",
    "I2": "only a verified deny, or a deadline that a verified verdict set, locks it",
    "I3": "what is locked stays locked until a verified verdict",
    "I4": "serial and trusted time never decrease",
    "I5": "emergency call and Wi-Fi settings are on every screen",
    "I6": "nothing that the agent causes touches user data",
    "I7": "from everywhere a server that allows is reached and unlocks",
    "I8": "firmware without the agent sends nothing and reaches home",
    "I9": "a power cut between two effects yields nothing that a whole run could not",
    "D1": "every event means what it is to mean, and one that is out of place is refused",
    "D2": "the screen is that of the state, and what it offers is done",
    "D3": "whoever waits for something has set the alarm",
    "D4": "nothing is asked before the terms are accepted, or after the phone was released",
}
"""I1 to I9 are the invariants of the design, D1 to D4 the duties that it names beside them."""

USABLE: Final = (ScreenId.HOME, ScreenId.NOTICE, ScreenId.OFFLINE_WARNING)
HARMLESS: Final = get_args(e.Effect)
"""Effects go to the sealed record, the screen, the alarm, the modem and the server; none goes to user data."""

_SENDS: Final = {
    Exchange.COLLECTING: e.Collect,
    Exchange.CHALLENGING: e.RequestChallenge,
    Exchange.AWAITING_VERDICT: e.RequestVerdict,
}


def broken_by_step(
    before: State, event: Event, after: State, done: Sequence[e.Effect], context: Context
) -> Iterator[Broken]:
    """What a step of the machines breaks. States and effects are as `step` takes and gives them."""
    verdict = event.kind if isinstance(event, VerdictReceived) else None
    yield from _lock_moved(before, after, event.kind, verdict, context)
    if verdict is None and any(_newly_set(before, after, name) for name in DEADLINES):
        yield "I2", f"{event.kind} sets a deadline, and no verdict did"
    if after.memory.serial < before.memory.serial or (
        verdict and after.memory.serial == before.memory.serial
    ):
        yield "I4", f"serial {before.memory.serial} is followed by {after.memory.serial}"
    if trusted_now(after, context) < trusted_now(before, context):
        yield "I4", "trusted time went back"
    if any(not isinstance(effect, HARMLESS) for effect in done):
        yield "I6", "an effect that is none of the agent's"
    if _sealed_part(before) != _sealed_part(after) and not _has(done, e.Persist):
        yield "I9", f"{event.kind} changes what is sealed and does not seal it"
    yield from _duties(before, event.kind, after, done, context)


def _lock_moved(
    before: State, after: State, kind: EventKind, verdict: EventKind | None, context: Context
) -> Iterator[Broken]:
    if before.lock is after.lock:
        return
    if after.lock in specification.UNLOCKED and verdict not in specification.FAVOURABLE:
        yield "I1", f"{kind} leads to {after.lock}"
    if after.lock is Lock.LOCKED and not _may_lock(before, kind, verdict, context):
        yield "I2", f"{kind} locks the phone"
    if before.lock is Lock.LOCKED and verdict not in specification.FAVOURABLE:
        yield "I3", f"{kind} leads from {before.lock} to {after.lock}"


def _may_lock(before: State, kind: EventKind, verdict: EventKind | None, context: Context) -> bool:
    expired = {
        EventKind.LOCK_DUE: reached(before.memory.lock_at, before, context),
        EventKind.OFFLINE_DUE: reached(before.memory.offline_at, before, context),
    }
    return verdict is EventKind.DENIED or expired.get(kind, False)


def _newly_set(before: State, after: State, name: str) -> bool:
    new = getattr(after.memory, name)
    return new is not None and new != getattr(before.memory, name)


def _duties(
    before: State, kind: EventKind, after: State, done: Sequence[e.Effect], context: Context
) -> Iterator[Broken]:
    if specification.known(kind):
        yield from _meant(before, kind, after, context)
    if kind is EventKind.HEARTBEAT and not _has(done, e.Persist):
        yield "D1", "a heartbeat that seals no trusted time"
    if kind is EventKind.IMEI_REQUESTED and not _has(done, e.ShowImei):
        yield "D2", "the IMEI was asked for and not shown"
    told = kind is EventKind.CODE_REFUSED or before.memory.locale != after.memory.locale
    if told and not _has(done, e.Show):
        yield "D2", f"{kind} changes what the screen says, and it is not shown"
    if _awaits_more(before, after) and not _has(done, e.SetAlarm):
        yield "D3", f"{kind} brings something to wait for, and sets no alarm"
    for exchange, effect in _SENDS.items():
        if (after.exchange is exchange is not before.exchange) != _has(done, effect):
            yield "D1", f"{kind} leads from {before.exchange} to {after.exchange}, and asks otherwise"
        if _has(done, effect) and not (specification.may_ask(after) and after.memory.terms_version):
            yield "D4", f"{effect.__name__} while {after.setup} and {after.lock}"


def _awaits_more(before: State, after: State) -> bool:
    """There is a deadline, or a retry, that there was not."""
    retries = after.exchange is Exchange.BACKOFF is not before.exchange
    return retries or any(_newly_set(before, after, name) for name in DEADLINES)


def _meant(before: State, kind: EventKind, after: State, context: Context) -> Iterator[Broken]:
    meant = specification.meaning(before, kind, context)
    if meant is None:
        yield "D1", f"{kind} is out of place and was taken"
    elif (meant.setup, meant.exchange, meant.lock, meant.attention) != _machines(after):
        yield (
            "D1",
            f"{kind} is to lead to {_words(_meant_states(meant))}, and leads to {_words(_machines(after))}",
        )


def broken_by_refusal(before: State, event: Event, context: Context) -> Iterator[Broken]:
    """What is broken where the machines refuse an event that they should take."""
    if specification.known(event.kind) and specification.meaning(before, event.kind, context) is not None:
        yield "D1", f"{event.kind} is refused"


def broken_in(world: World, state: State | None, traits: Traits) -> Iterator[Broken]:
    """What is wrong with a world. `state` is the agent's, if it runs."""
    if world.panel is not None and not _offers_help(world.panel):
        yield "I5", f"the screen {world.panel} lacks the emergency call or the Wi-Fi settings"
    usable = world.panel in USABLE
    if usable and traits.enforcing and world.standing is UserEntitlement.NONE:
        yield "I1", "the phone is usable and no verdict allowed it"
    if (
        usable
        and traits.holds_locks(provisioned=world.provisioned)
        and world.standing is UserEntitlement.BARRED
    ):
        yield "I3", "the phone was locked and is usable, and no verdict unlocked it"
    if not traits.agent and world.agent != NOBODY:
        yield "I8", "an agent runs"
    if not traits.agent and world.powered and (world.panel is ScreenId.HOME) is not traits.boots:
        yield "I8", f"the phone shows {world.panel}"
    if state is not None and world.quiet and traits.enforcing and world.panel is not screen_in(world, state):
        yield "D2", f"the screen is {world.panel}, and is to be {screen_in(world, state)}"
    if state is not None and world.quiet and not world.alarm and _waits(state, world, traits):
        yield "D3", "something will be due, and no alarm is set"


def broken_by_exposure(disk: File | None, state: State, record: State | None) -> Iterator[Broken]:
    """What is broken where the agent shows or sends: what it knows must be sealed, and the counter must follow.

    An agent that knows nothing has nothing to lose. `record` is what the phone's own state file holds.
    """
    blank = skeleton(state) == skeleton(canonical(fresh(0)))
    kept = disk is not None and disk.gap == NEWEST
    if not blank and not (kept and record is not None and skeleton(record) == skeleton(state)):
        yield "I9", "something is shown or sent that a power cut would undo"


def screen_in(world: World, state: State) -> ScreenId:
    """The screen that must stand: that of the state, or patience where the phone could not even boot as new."""
    blank = not world.up and state.lock is Lock.UNPROVISIONED
    return ScreenId.WAITING if blank else screen_of(state)


def _waits(state: State, world: World, traits: Traits) -> bool:
    """Something will come due of which the system would tell the agent."""
    if not world.up:
        return traits.wakes_for(EventKind.HEARTBEAT)
    if state.lock is Lock.RELEASED or state.exchange in _SENDS:
        return False
    if state.exchange is Exchange.BACKOFF:
        return traits.wakes_for(EventKind.RETRY_DUE)
    return traits.wakes_for(EventKind.HEARTBEAT) and any(
        getattr(state.memory, name) is not None for name in DEADLINES
    )


@cache
def _offers_help(screen: ScreenId) -> bool:
    needed = {Action.EMERGENCY_CALL, Action.WIFI_SETTINGS}
    return all(
        needed <= {action for action, _ in build(screen, ScreenFacts(), tag).actions} for tag in LANGUAGES
    )


def _has(done: Sequence[e.Effect], kind: type) -> bool:
    return any(isinstance(effect, kind) for effect in done)


def _sealed_part(state: State) -> tuple[object, ...]:
    """Everything in a record but trusted time, which goes on by itself."""
    memory = {name: getattr(state.memory, name) for name in type(state.memory).__slots__ if name != "time"}
    return (state.setup, state.lock, *memory.values())


def _machines(state: State) -> tuple[object, ...]:
    return (state.setup, state.exchange, state.lock, state.attention)


def _meant_states(meant: specification.ExpectedState) -> tuple[object, ...]:
    return (meant.setup, meant.exchange, meant.lock, meant.attention)


def _words(states: tuple[object, ...]) -> str:
    return ", ".join(str(state) for state in states)


__all__ = [
    "INVARIANTS",
    "USABLE",
    "Broken",
    "broken_by_exposure",
    "broken_by_refusal",
    "broken_by_step",
    "broken_in",
    "screen_in",
]
