"""Timers: due events and the alarm follow from one table and agree in every state."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import timing
from agent.core.effects import Persist
from agent.core.events import (
    ChallengeReceived,
    Collected,
    EventKind,
    Failed,
    SimpleEvent,
    VerdictReceived,
)
from agent.core.screen_selection import facts_of
from agent.core.screens import LockCause, ModemTrouble, Trouble
from agent.core.states import Attention, Exchange, Lock, Memory, Setup, State, TimeAnchor
from agent.core.step import step
from agent.core.timing import Context
from agent.verification.bounds import TimestampBounds
from tests.support import tokens
from tests.support.judged import NOW, judged, verified
from wire import limits
from wire.codes import Decision

CONTEXT = Context(elapsed=100.0, fraction=0.0)
DEADLINES = ("lock_at", "check_in_at", "warn_at", "offline_at")

offsets = st.none() | st.integers(-100_000, 100_000)
states = st.builds(
    lambda setup, exchange, lock, attention, retry_at, **deadlines: State(
        memory=Memory(
            time=TimeAnchor(NOW, 100.0),
            **{name: None if value is None else NOW + value for name, value in deadlines.items()},
        ),
        setup=setup,
        exchange=exchange,
        lock=lock,
        attention=attention,
        retry_at=retry_at,
    ),
    st.sampled_from(Setup),
    st.sampled_from(Exchange),
    st.sampled_from(Lock),
    st.sampled_from(Attention),
    st.floats(-1000, 100_000),
    **dict.fromkeys(DEADLINES, offsets),
)


@given(state=states)
def test_alarm_fires_when_an_event_is_due_and_not_earlier(state: State) -> None:
    after = timing.alarm(state, CONTEXT)
    assert 1 <= after <= timing.HEARTBEAT
    if timing.due(state, CONTEXT):
        assert after == 1
        return
    for earlier in (0.0, after / 2, after - 1):
        if earlier > 0:
            assert timing.due(state, Context(100.0 + earlier, 0.0)) is None
    if after < timing.HEARTBEAT:
        assert timing.due(state, Context(100.0 + after, 0.0)) is not None


def sealed_before_the_battery_is_removed(uptime: float) -> int:
    """Seconds of trusted time that are sealed if the battery is removed at this uptime."""
    state = State(memory=Memory(time=TimeAnchor(NOW)), setup=Setup.DONE, lock=Lock.ACTIVATED)
    now = 0.0
    while (now := now + timing.alarm(state, Context(now, 0.0))) <= uptime:
        state, effects = step(state, SimpleEvent(EventKind.HEARTBEAT), Context(now, 0.0))
        assert Persist() in effects
    return state.memory.time.epoch - NOW


@given(st.floats(0, 40 * 86_400))
def test_removing_the_battery_loses_at_most_half_of_the_uptime_and_six_hours(uptime: float) -> None:
    """Otherwise repeated restarts would stop deadlines."""
    sealed = sealed_before_the_battery_is_removed(uptime)
    assert sealed <= uptime
    assert uptime - sealed <= min(max(600, uptime / 2), 6 * 3600) + 1


def test_device_that_stays_on_seals_its_time_four_times_a_day() -> None:
    """Flash memory wears out."""
    state = State(memory=Memory(time=TimeAnchor(NOW, 86_400.0)), setup=Setup.DONE, lock=Lock.ACTIVATED)
    assert timing.alarm(state, Context(86_400.0, 0.0)) == 6 * 3600


@pytest.mark.parametrize("floor", [0, 6, 2**40])
@pytest.mark.parametrize("above", [1, 2**32 - 1, 2**32, 2**32 + 1, limits.INTEGER_MAX - 2**40])
def test_verdict_raises_a_floor_by_at_most_one_step(floor: int, above: int) -> None:
    """A stolen verdict key must not use up all numbers."""
    memory = Memory(time=TimeAnchor(NOW), serial=floor, policy_version=floor)
    state = State(memory=memory, setup=Setup.ACTIVATE, exchange=Exchange.AWAITING_VERDICT)
    expected = replace(tokens.EXPECTED, serial=floor, policy_version=floor)
    policy = {"id": "p", "version": floor + above, "rule": "r"}
    verdict = tokens.verified("release", expected=expected, serial=floor + above, policy=policy)
    memory = step(state, VerdictReceived(verdict, TimestampBounds()), CONTEXT)[0].memory
    assert memory.serial == memory.policy_version == floor + min(above, 2**32)


def permitted(state: State, kind: EventKind) -> State:
    return step(state, SimpleEvent(kind), CONTEXT)[0]


def test_device_that_locked_itself_has_no_other_lock_deadline() -> None:
    """A remaining deadline would wake it every second."""
    memory = Memory(
        time=TimeAnchor(NOW, 100.0), lock_at=NOW, offline_at=NOW, warn_at=NOW, check_in_at=NOW + 5000
    )
    noticed = State(memory=memory, setup=Setup.DONE, lock=Lock.NOTICE)
    for kind, cause in ((EventKind.LOCK_DUE, LockCause.NOTICE), (EventKind.OFFLINE_DUE, LockCause.OFFLINE)):
        locked = permitted(noticed, kind)
        assert (locked.lock, locked.memory.cause) == (Lock.LOCKED, cause)
        assert (locked.memory.lock_at, locked.memory.offline_at, locked.memory.warn_at) == (None, None, None)
        assert facts_of(locked, CONTEXT).cause is cause
        assert timing.alarm(locked, CONTEXT) == timing.HEARTBEAT_FIRST


@pytest.mark.parametrize("decision", Decision)
def test_each_decision_sets_its_deadlines(decision: Decision) -> None:
    """Allow sets them, deny and release clear them, defer renews the offline limit."""
    old = Memory(
        time=TimeAnchor(NOW, 100.0),
        cause=LockCause.VERDICT,
        lock_at=1,
        check_in_at=2,
        warn_at=NOW - 3,
        offline_at=NOW - 1,
    )
    waiting = State(
        memory=old, setup=Setup.DONE, exchange=Exchange.AWAITING_VERDICT, lock=Lock.NOTICE, nonce="n"
    )
    after = step(waiting, judged(decision), CONTEXT)[0].memory
    day = 86_400
    expected = {
        Decision.ALLOW: (None, NOW + day, NOW + 30 * day * 3 // 4, NOW + 30 * day, LockCause.NONE),
        Decision.NOTICE: (NOW + 3 * day, NOW + day, NOW + 30 * day * 3 // 4, NOW + 30 * day, LockCause.NONE),
        Decision.DENY: (None, NOW + 3600, None, None, LockCause.VERDICT),
        Decision.DEFER: (1, 2, NOW + 660, NOW + 662, LockCause.VERDICT),
        Decision.RELEASE: (None, None, None, None, LockCause.NONE),
    }[decision]
    assert (after.lock_at, after.check_in_at, after.warn_at, after.offline_at, after.cause) == expected


def answered(state: State, verdict: VerdictReceived, now: float, fraction: float = 0.0) -> State:
    """`state` after a verdict that arrives `now` seconds after boot."""
    waiting = replace(state, exchange=Exchange.AWAITING_VERDICT, nonce="n")
    return step(waiting, verdict, Context(now, fraction))[0]


def allowed(limit: int, check_in: int = 86_400) -> State:
    """A device that was allowed at `NOW`, 100 s after boot."""
    new = State(memory=Memory(time=TimeAnchor(NOW, 100.0)), setup=Setup.ACTIVATE)
    verdict = VerdictReceived(
        verified(Decision.ALLOW, offline_limit=limit, check_in=check_in), TimestampBounds()
    )
    return answered(new, verdict, 100.0)


@given(
    limit=st.integers(60, 400 * 86_400),
    later=st.floats(0, 500 * 86_400),
    wait=st.integers(1, limits.RETRY_AFTER_MAX),
    warned=st.booleans(),
    fraction=st.floats(0, 1, exclude_max=True),
)
def test_defer_renews_the_whole_limit_at_any_time(
    *, limit: int, later: float, wait: int, warned: bool, fraction: float
) -> None:
    """Also after the warning, and never so that the device is locked before the retry that the server requested."""
    state, now = allowed(limit), 100.0 + later
    if warned and timing.warning_is_due(state, Context(now, 0.0)):
        state, _ = step(state, SimpleEvent(EventKind.WARNING_DUE), Context(now, 0.0))
    today = NOW + int(later)
    defer = VerdictReceived(verified(Decision.DEFER, retry_after=wait), TimestampBounds(today))
    after = answered(state, defer, now, fraction)
    assert after.memory.offline_at is not None
    assert after.memory.warn_at is not None
    assert after.memory.offline_at >= today + limit - timing.WARNING_SHARE
    assert after.memory.offline_at > after.memory.warn_at > today + int(after.retry_at - now)
    if after.retry_at - now < limit / 2 and not (warned and later > limit):
        assert after.memory.offline_at <= today + limit


def test_limit_of_a_warned_record_of_an_earlier_release_is_a_month() -> None:
    """Such a record forgot `warn_at` with the warning."""
    state = allowed(90 * 86_400)
    forgotten = replace(state, memory=replace(state.memory, warn_at=None))
    defer = VerdictReceived(verified(Decision.DEFER), TimestampBounds(NOW + 85 * 86_400))
    after = answered(forgotten, defer, 100.0 + 85 * 86_400)
    assert after.memory.offline_at == NOW + (85 + 30) * 86_400


@pytest.mark.parametrize("lock", [Lock.UNPROVISIONED, Lock.LOCKED])
def test_defer_sets_no_limit_where_none_is_set(lock: Lock) -> None:
    state = State(memory=Memory(time=TimeAnchor(NOW, 100.0)), setup=Setup.DONE, lock=lock)
    after = answered(state, judged(Decision.DEFER), 100.0)
    assert (after.lock, after.memory.offline_at, after.memory.warn_at) == (lock, None, None)


def served(state: State, decision: VerdictReceived, until: float) -> tuple[State, set[EventKind]]:
    """A device whose server answers every request alike, until `until`; with the kinds of timed events."""
    now, seen = 100.0, set()
    while (now := now + timing.alarm(state, Context(now, 0.5))) <= until:
        kind = timing.due(state, Context(now, 0.5)) or EventKind.HEARTBEAT
        seen.add(kind)
        state, _ = step(state, SimpleEvent(kind), Context(now, 0.5))
        if state.exchange is Exchange.COLLECTING:
            state, _ = step(state, Collected("", ModemTrouble.NOT_UNDERSTOOD), Context(now, 0.5))
            state, _ = step(state, ChallengeReceived("n"), Context(now, 0.5))
            received = VerdictReceived(decision.verdict, TimestampBounds(NOW + int(now - 100.0)))
            state, _ = step(state, received, Context(now, 0.5))
    return state, seen


@pytest.mark.parametrize("decision", [Decision.ALLOW, Decision.DEFER])
@pytest.mark.parametrize("limit", [3600, 7 * 86_400, 30 * 86_400])
@pytest.mark.parametrize("check_in", [3600, 7 * 86_400, 60 * 86_400])
def test_device_that_reaches_the_server_is_never_warned_or_locked(
    decision: Decision, limit: int, check_in: int
) -> None:
    """Not even if the server asks for check-ins or retries more rarely than its own limit permits."""
    claims = {"offline_limit": limit, "check_in": check_in} if decision is Decision.ALLOW else {}
    verdict = VerdictReceived(verified(decision, **claims or {"retry_after": 20_000}), TimestampBounds())
    state, seen = served(allowed(limit, check_in), verdict, 100.0 + 120 * 86_400)
    assert state.lock is Lock.ACTIVATED
    assert seen & {EventKind.WARNING_DUE, EventKind.OFFLINE_DUE} == set()
    assert seen & {EventKind.CHECK_IN_DUE, EventKind.RETRY_DUE}


def test_warning_is_shown_once_and_the_limit_still_locks() -> None:
    state, now = allowed(40 * 86_400), 100.0 + 31 * 86_400
    warned, _ = step(state, SimpleEvent(EventKind.WARNING_DUE), Context(now, 0.0))
    dismissed, _ = step(warned, SimpleEvent(EventKind.CONTINUE), Context(now, 0.0))
    assert not timing.warning_is_due(dismissed, Context(now + 8 * 86_400, 0.0))
    assert timing.due(dismissed, Context(100.0 + 40 * 86_400, 0.0)) is EventKind.OFFLINE_DUE


@pytest.mark.parametrize(
    ("lock", "attention"), [(Lock.ACTIVATED, Attention.CLEAR), (Lock.NOTICE, Attention.NOTICE)]
)
def test_defer_ends_the_offline_warning(lock: Lock, attention: Attention) -> None:
    state = replace(allowed(40 * 86_400), lock=lock, attention=Attention.WARNING)
    assert answered(state, judged(Decision.DEFER), 200.0).attention is attention


def test_warning_shows_the_offline_limit_and_notice_the_announced_lock() -> None:
    memory = Memory(time=TimeAnchor(NOW, 100.0), lock_at=NOW + 10, offline_at=NOW + 20)
    state = State(memory=memory, setup=Setup.DONE, lock=Lock.NOTICE)
    assert facts_of(replace(state, attention=Attention.WARNING), CONTEXT).lock_at == NOW + 20
    assert facts_of(replace(state, attention=Attention.NOTICE), CONTEXT).lock_at == NOW + 10


@pytest.mark.parametrize("jti", ["", "verdict-1"])
def test_date_of_the_next_retry_is_shown_only_if_the_time_is_known(jti: str) -> None:
    """Before the first verdict trusted time is the build date of the image."""
    memory = Memory(time=TimeAnchor(NOW, 100.0), jti=jti)
    state = State(memory=memory, exchange=Exchange.BACKOFF, retry_at=160.0)
    assert facts_of(state, CONTEXT).retry_at == (NOW + 60 if jti else None)


def test_repeated_failures_wait_longer_until_a_verdict() -> None:
    state = State(memory=Memory(time=TimeAnchor(NOW, 100.0)), setup=Setup.DONE, exchange=Exchange.COLLECTING)
    waits = []
    for _ in range(4):
        failed, _ = step(state, Failed(Trouble.UNREACHABLE, "timed-out"), CONTEXT)
        waits.append(failed.retry_at - CONTEXT.elapsed)
        assert failed.nonce == ""
        state = replace(failed, exchange=Exchange.COLLECTING)
    assert waits == [15, 30, 60, 120]
    answered, _ = step(replace(state, exchange=Exchange.AWAITING_VERDICT), judged(Decision.ALLOW), CONTEXT)
    assert (answered.attempts, answered.retry_at, answered.trouble) == (0, 0.0, None)


def test_check_in_interval_and_retry_delay_are_bounded() -> None:
    waiting = State(
        memory=Memory(time=TimeAnchor(NOW, 100.0)),
        setup=Setup.DONE,
        exchange=Exchange.AWAITING_VERDICT,
        nonce="n",
    )
    hasty, _ = step(
        waiting, VerdictReceived(verified(Decision.ALLOW, check_in=0), TimestampBounds()), CONTEXT
    )
    assert hasty.memory.check_in_at == NOW + timing.CHECK_IN_LEAST
    slow, _ = step(
        waiting,
        VerdictReceived(verified(Decision.DEFER, retry_after=10 * 366 * 86_400), TimestampBounds()),
        CONTEXT,
    )
    assert slow.retry_at - CONTEXT.elapsed == limits.RETRY_AFTER_MAX


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("lock", [Lock.UNPROVISIONED, Lock.ACTIVATED, Lock.LOCKED])
def test_new_network_ends_only_delays_that_a_network_may_end(trouble: Trouble, lock: Lock) -> None:
    """A delay that the server requested is not shortened."""
    state = State(
        memory=Memory(time=TimeAnchor(NOW, 100.0)),
        setup=Setup.DONE,
        exchange=Exchange.BACKOFF,
        lock=lock,
        trouble=trouble,
        retry_at=9999.0,
    )
    asks = permitted(state, EventKind.CONNECTED).exchange is Exchange.COLLECTING
    assert asks == (trouble in (Trouble.UNREACHABLE, Trouble.UNTRUSTED, Trouble.NO_KEYS))


@pytest.mark.parametrize("ahead", [600, 10 * 3600, 23 * 3600, 5 * 365 * 86_400])
def test_deferral_under_a_retraction_moves_every_deadline_back_with_the_time(ahead: int) -> None:
    """Otherwise an announced lock and the offline limit would wait for the wrong time of the server."""
    wrong: dict[str, Any] = {name: NOW + ahead + 1000 * number for number, name in enumerate(DEADLINES, 1)}
    bounds = TimestampBounds(NOW + ahead, 0, 1, ("key",))
    memory = Memory(time=TimeAnchor(NOW + ahead, 100.0), bounds=bounds, **wrong)
    right = timing.set_time(memory, TimestampBounds(NOW, 1, 1, ("key",)), NOW, CONTEXT)
    assert right.time.epoch == NOW
    assert {name: getattr(right, name) for name in DEADLINES} == {
        name: deadline - ahead for name, deadline in wrong.items()
    }
    later = timing.set_time(right, TimestampBounds(NOW + ahead, 1, 1, ("key",)), NOW + ahead, CONTEXT)
    assert [getattr(later, name) for name in DEADLINES] == [getattr(right, name) for name in DEADLINES]


@pytest.mark.parametrize("ahead", [0, 10 * 3600, 23 * 3600])
def test_announced_lock_counts_from_trusted_time(ahead: int) -> None:
    """A floor that is ahead does not shorten the notice."""
    bounds = TimestampBounds(NOW + ahead, 0, 1, ("key",))
    memory = Memory(time=TimeAnchor(NOW + ahead, 100.0), bounds=bounds)
    state = State(memory=memory, setup=Setup.DONE, exchange=Exchange.AWAITING_VERDICT, lock=Lock.ACTIVATED)
    verdict = verified(Decision.NOTICE)
    after, _ = step(state, VerdictReceived(verdict, bounds), CONTEXT)
    claims = verdict.claims
    assert claims.not_before_lock is not None
    assert after.memory.lock_at == NOW + ahead + claims.not_before_lock - claims.iat
