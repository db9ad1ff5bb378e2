"""The invariants, as predicates over one step and over one state. I7 and I9 also need the whole graph, see `search`."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Final, get_args

from agent.core import effects as e
from agent.core.events import Event, EventKind, VerdictReceived
from agent.core.screen_selection import screen_of
from agent.core.screens import Action, ScreenFacts, ScreenId
from agent.core.states import Exchange, Lock, State, fresh
from agent.core.timing import Context, advance, reached, trusted_now
from agent.screens import build
from agent.screens.tags import LANGUAGES
from lab.model_check import specification
from lab.model_check.abstraction import DEADLINES, canonical, skeleton
from lab.model_check.profile_traits import Traits
from lab.model_check.specification import ExpectedState
from lab.model_check.world_state import NEWEST, NOT_RUNNING, StateFile, UserEntitlement, WorldState
from wire import limits

Broken = tuple[str, str]
"""The name of an invariant, and the reason why it does not hold."""

INVARIANTS: Final[dict[str, str]] = {
    "I1": "only a verified allow for this device and challenge activates it",
    "I2": "only a verified deny, or a deadline set by a verified verdict, locks it",
    "I3": "a locked device stays locked until a verified verdict",
    "I4": "serial, policy floor and time floor decrease only as designed; trusted time is within its bounds",
    "I5": "emergency call and Wi-Fi settings are on every screen",
    "I6": "no effect of the agent touches user data",
    "I7": "from every state, a server that allows is reached and unlocks, after any one fault",
    "I8": "firmware without the agent sends nothing and reaches the home screen",
    "I9": "a power cut between two effects yields no state that a whole run could not",
    "D1": "every event has its specified effect, and one that is out of place is rejected",
    "D2": "the screen is that of the state, and the actions that it offers are accepted",
    "D3": "an alarm is set whenever something will be due",
    "D4": "no request is sent before the terms are accepted, or after the device was released",
    "D5": "every verified verdict, defer included, renews the offline limit",
}
"""I1 to I9 are the invariants of the design, D1 to D5 the further duties that it lists."""

USABLE: Final = (ScreenId.HOME, ScreenId.NOTICE, ScreenId.OFFLINE_WARNING)
HARMLESS: Final = get_args(e.Effect)
"""Effects change the sealed record, the screen, the alarm, the modem or the server; none changes user data."""

_SENDS: Final = {
    Exchange.COLLECTING: e.Collect,
    Exchange.CHALLENGING: e.RequestChallenge,
    Exchange.AWAITING_VERDICT: e.RequestVerdict,
}


def broken_by_step(
    before: State, event: Event, after: State, done: Sequence[e.Effect], context: Context
) -> Iterator[Broken]:
    """The invariants that a step of the machines breaks. States and effects are as `step` takes and returns them."""
    kind, verdict = event.kind, event.kind if isinstance(event, VerdictReceived) else None
    if before.lock is not after.lock:
        if after.lock in specification.UNLOCKED and verdict not in specification.FAVOURABLE:
            yield "I1", f"{kind} leads to {after.lock}"
        deadlines = {
            EventKind.LOCK_DUE: before.memory.lock_at,
            EventKind.OFFLINE_DUE: before.memory.offline_at,
        }
        may_lock = verdict is EventKind.DENIED or reached(deadlines.get(kind), before, context)
        if after.lock is Lock.LOCKED and not may_lock:
            yield "I2", f"{kind} locks the device"
        if before.lock is Lock.LOCKED and verdict not in specification.FAVOURABLE:
            yield "I3", f"{kind} leads from {before.lock} to {after.lock}"
    # The warning itself moves `warn_at` behind the limit, where it warns no more.
    moved = [name for name in DEADLINES if _newly_set(before, after, name)]
    if verdict is None and moved and (kind is not EventKind.WARNING_DUE or moved != ["warn_at"]):
        yield "I2", f"{kind} sets a deadline, and is not a verdict"
    if after.memory.serial < before.memory.serial or (
        verdict and after.memory.serial == before.memory.serial
    ):
        yield "I4", f"serial {before.memory.serial} is followed by {after.memory.serial}"
    yield from _misplaced_time(before, event, after, context)
    if any(not isinstance(effect, HARMLESS) for effect in done):
        yield "I6", "an unknown effect"
    if _persisted_part(before) != _persisted_part(after) and not _has(done, e.Persist):
        yield "I9", f"{kind} changes the persisted state and does not persist it"
    yield from _unspecified(before, kind, after, context)
    yield from _duties(before, kind, after, done)
    yield from _unrenewed(before, kind, after, context)
    limit = event.verdict.claims.offline_limit if isinstance(event, VerdictReceived) else None
    if limit is not None and after.memory.offline_at != advance(after.memory, context).time.epoch + limit:
        yield "D5", "the offline limit does not count from trusted time"


def _misplaced_time(before: State, event: Event, after: State, context: Context) -> Iterator[Broken]:
    """Whether trusted time, its floor or the policy floor is another than specified, or outside its bounds."""
    expected = specification.time_after(before, event, context)
    now = advance(after.memory, context)
    floor, time = now.bounds.floor, now.time.epoch
    if (floor, time) != expected:
        yield "I4", f"floor and trusted time must be {expected}, and are {(floor, time)}"
    if not floor <= time <= floor + limits.TIMESTAMP_LIFETIME + limits.SKEW:
        yield "I4", f"trusted time is {time - floor} s after its floor"
    shown = event.bounds if isinstance(event, VerdictReceived) else None
    new_root = shown is not None and 0 < before.memory.bounds.root < shown.root
    if after.memory.policy_version < before.memory.policy_version and not new_root:
        yield "I4", "the policy floor decreased without a new root"


def _newly_set(before: State, after: State, name: str) -> bool:
    new = getattr(after.memory, name)
    return new is not None and new != getattr(before.memory, name)


def _unspecified(before: State, kind: EventKind, after: State, context: Context) -> Iterator[Broken]:
    if specification.is_specified(kind):
        expected = specification.expected_state(before, kind, context)
        reached_state = ExpectedState(after.setup, after.exchange, after.lock, after.attention)
        if expected is None:
            yield "D1", f"{kind} is out of place and was accepted"
        elif expected != reached_state:
            yield "D1", f"{kind} must lead to {expected}, and leads to {reached_state}"


def _duties(before: State, kind: EventKind, after: State, done: Sequence[e.Effect]) -> Iterator[Broken]:
    if kind is EventKind.HEARTBEAT and not _has(done, e.Persist):
        yield "D1", "a heartbeat does not persist trusted time"
    if kind is EventKind.IMEI_REQUESTED and not _has(done, e.ShowImei):
        yield "D2", "the IMEI was requested and not shown"
    changes_text = kind is EventKind.CODE_REFUSED or before.memory.locale != after.memory.locale
    if changes_text and not _has(done, e.Show):
        yield "D2", f"{kind} changes the text of the screen, which is not shown again"
    retries = after.exchange is Exchange.BACKOFF is not before.exchange
    awaits_more = retries or any(_newly_set(before, after, name) for name in DEADLINES)
    if awaits_more and not _has(done, e.SetAlarm):
        yield "D3", f"{kind} sets a deadline or a retry, and no alarm"
    for exchange, effect in _SENDS.items():
        if (after.exchange is exchange is not before.exchange) != _has(done, effect):
            yield "D1", f"{kind} leads from {before.exchange} to {after.exchange} with another request"
        if _has(done, effect) and not (specification.may_ask(after) and after.memory.terms_version):
            yield "D4", f"{effect.__name__} while {after.setup} and {after.lock}"


def _unrenewed(before: State, kind: EventKind, after: State, context: Context) -> Iterator[Broken]:
    """Whether the offline limit can run out although the server answers, is no longer known, or remains too long."""
    verdict, memory, limit = kind in specification.VERDICTS, after.memory, before.memory.offline_at
    if after.lock not in specification.LOCKABLE:
        if verdict and (memory.offline_at is not None or memory.warn_at is not None):
            yield "D5", f"an offline limit remains after {kind}"
        return
    if verdict and (limit is not None or kind in specification.FAVOURABLE):
        deferred = kind is EventKind.DEFERRED
        next_request = replace(context, elapsed=after.retry_at) if deferred else context
        if memory.offline_at is None or reached(memory.warn_at, after, next_request):
            yield "D5", f"after {kind} the device is warned or locked before its next request"
        back = max(0, trusted_now(before, context) - trusted_now(after, context))
        if (
            deferred
            and limit is not None
            and memory.offline_at is not None
            and memory.offline_at < limit - back
        ):
            yield "D5", f"{kind} shortens the offline limit"
        announced = before.memory.lock_at
        if deferred and announced is not None and memory.lock_at != announced - back:
            yield "D5", f"{kind} moves the announced lock otherwise than trusted time goes back"
    if kind is EventKind.WARNING_DUE and limit is not None:
        if memory.warn_at is None:
            yield "D5", "the length of the offline limit is forgotten"
        elif reached(memory.warn_at, after, context):
            yield "D3", "the warning is due again"


def broken_by_rejection(before: State, event: Event, context: Context) -> Iterator[Broken]:
    """The invariant that is broken if the machines reject an event that they must accept."""
    if (
        specification.is_specified(event.kind)
        and specification.expected_state(before, event.kind, context) is not None
    ):
        yield "D1", f"{event.kind} is rejected"


def broken_in(world: WorldState, state: State | None, traits: Traits) -> Iterator[Broken]:
    """The invariants that a state of the model breaks. `state` is the agent's, if it runs."""
    if world.panel is not None and not _offers_help(world.panel):
        yield "I5", f"the screen {world.panel} lacks the emergency call or the Wi-Fi settings"
    usable, entitlement = world.panel in USABLE, world.entitlement
    if usable and traits.enforcing and entitlement is UserEntitlement.NONE:
        yield "I1", "the device is usable and no verdict permitted it"
    holds_locks = traits.holds_locks(provisioned=world.provisioned)
    if usable and holds_locks and entitlement is UserEntitlement.BARRED:
        yield "I3", "the device was locked and is usable, and no verdict unlocked it"
    if not traits.agent and world.agent != NOT_RUNNING:
        yield "I8", "an agent runs"
    if not traits.agent and world.powered and (world.panel is ScreenId.HOME) is not traits.boots:
        yield "I8", f"the device shows {world.panel}"
    if state is not None and world.quiet and traits.enforcing and world.panel is not screen_in(world, state):
        yield "D2", f"the screen is {world.panel}, and must be {screen_in(world, state)}"
    if state is not None and world.quiet and not world.alarm and _waits(state, world, traits):
        yield "D3", "something will be due, and no alarm is set"


def broken_by_exposure(disk: StateFile | None, state: State, record: State | None) -> Iterator[Broken]:
    """Whether the agent shows or sends state that is not persisted with the current counter value.

    A blank agent has no state to lose. `record` is the content of the device's state file.
    """
    blank = skeleton(state) == skeleton(canonical(fresh(0)))
    kept = disk is not None and disk.gap == NEWEST
    if not blank and not (kept and record is not None and skeleton(record) == skeleton(state)):
        yield "I9", "the device shows or sends a state that a power cut would undo"


def screen_in(world: WorldState, state: State) -> ScreenId:
    """The screen that must be shown: that of the state, or "please wait" if a new device could not boot."""
    blank = not world.up and state.lock is Lock.UNPROVISIONED
    return ScreenId.WAITING if blank else screen_of(state)


def _waits(state: State, world: WorldState, traits: Traits) -> bool:
    """Whether something will be due that the system would deliver to the agent."""
    if not world.up:
        return traits.wakes_for(EventKind.HEARTBEAT)
    if state.lock is Lock.RELEASED or state.exchange in _SENDS:
        return False
    if state.exchange is Exchange.BACKOFF:
        return traits.wakes_for(EventKind.RETRY_DUE)
    deadlines = any(getattr(state.memory, name) is not None for name in DEADLINES)
    return deadlines and traits.wakes_for(EventKind.HEARTBEAT)


@cache
def _offers_help(screen: ScreenId) -> bool:
    needed = {Action.EMERGENCY_CALL, Action.WIFI_SETTINGS}
    return all(
        needed <= {action for action, _ in build(screen, ScreenFacts(), tag).actions} for tag in LANGUAGES
    )


def _has(done: Sequence[e.Effect], kind: type) -> bool:
    return any(isinstance(effect, kind) for effect in done)


def _persisted_part(state: State) -> tuple[object, ...]:
    """Everything in a record except trusted time and its floor, which advance without events."""
    memory = {
        name: getattr(state.memory, name)
        for name in type(state.memory).__slots__
        if name not in ("time", "bounds")
    }
    return (state.setup, state.lock, *memory.values())
