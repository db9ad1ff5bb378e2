"""Single steps over all combinations of states of the four machines."""

import itertools
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import timing
from agent.core.effects import Persist, RequestChallenge, RequestVerdict, SetAlarm, Show
from agent.core.events import (
    ChallengeReceived,
    CodeRefused,
    Collected,
    Event,
    EventKind,
    Failed,
    LanguageChosen,
    SimpleEvent,
    TermsAccepted,
    VerdictReceived,
)
from agent.core.screen_selection import screen_of
from agent.core.screens import ScreenId, Trouble
from agent.core.states import Attention, Exchange, Lock, LockCause, Memory, Setup, State, TimeAnchor, fresh
from agent.core.step import RejectedEventError, step
from agent.core.timing import Context
from agent.verification.bounds import TimestampBounds
from tests.support.judged import NOW, judged, verified
from wire.codes import Decision

DAY = 86_400
CONTEXT = Context(elapsed=100.0, fraction=0.5)


def memory(**changes: object) -> Memory:
    return replace(
        Memory(TimeAnchor(NOW, 100.0), TimestampBounds(NOW - DAY), terms_version="2021-07"), **changes
    )


EVENTS: list[Event] = [
    LanguageChosen("fr"),
    TermsAccepted("2021-07"),
    Collected("490154203237518"),
    ChallengeReceived("n" * 32),
    CodeRefused("nonce-mismatch"),
    Failed(Trouble.UNREACHABLE, "timed-out"),
    *(judged(decision) for decision in Decision),
    *(
        SimpleEvent(kind)
        for kind in EventKind
        if kind
        not in {
            EventKind.LANGUAGE_CHOSEN,
            EventKind.TERMS_ACCEPTED,
            EventKind.COLLECTED,
            EventKind.CHALLENGED,
            EventKind.FAILED,
            EventKind.CODE_REFUSED,
            EventKind.ALLOWED,
            EventKind.NOTICED,
            EventKind.DENIED,
            EventKind.DEFERRED,
            EventKind.RELEASED,
        }
    ),
]

MEMORIES = [
    memory(),
    memory(check_in_at=NOW - 1, warn_at=NOW - 1, offline_at=NOW - 1, lock_at=NOW - 1, serial=4),
    memory(check_in_at=NOW + DAY, warn_at=NOW + DAY, offline_at=NOW + DAY, lock_at=NOW + DAY, serial=4),
]

STATES = [
    State(memory=m, setup=s, exchange=e, lock=k, attention=a)
    for m, s, e, k, a in itertools.product(MEMORIES, Setup, Exchange, Lock, Attention)
]

VERDICTS = {EventKind.ALLOWED, EventKind.NOTICED, EventKind.DENIED, EventKind.DEFERRED, EventKind.RELEASED}


@cache
def permitted() -> list[tuple[State, Event, State, tuple[object, ...]]]:
    """Every step that the tables permit, from every combination of states."""
    steps = []
    for state, event in itertools.product(STATES, EVENTS):
        try:
            after, effects = step(state, event, CONTEXT)
        except RejectedEventError:
            continue
        steps.append((state, event, after, effects))
    return steps


def test_many_steps_are_permitted_and_many_are_rejected() -> None:
    """Otherwise the tests below would check nothing."""
    assert 2_000 < len(permitted()) < len(STATES) * len(EVENTS)


def test_device_becomes_activated_only_by_a_verdict() -> None:
    """I1."""
    ways = {
        event.kind
        for before, event, after, _ in permitted()
        if after.lock is Lock.ACTIVATED is not before.lock
    }
    assert ways == {EventKind.ALLOWED}


def test_device_is_locked_only_by_a_deny_or_a_deadline_of_a_verdict() -> None:
    """I2."""
    for before, event, after, _ in permitted():
        if after.lock is Lock.LOCKED is not before.lock:
            assert event.kind in {EventKind.DENIED, EventKind.LOCK_DUE, EventKind.OFFLINE_DUE}
            if event.kind is EventKind.LOCK_DUE:
                assert before.memory.lock_at == NOW - 1
            if event.kind is EventKind.OFFLINE_DUE:
                assert before.memory.offline_at == NOW - 1


def test_locked_device_is_unlocked_only_by_a_verdict() -> None:
    """I3: reboot, SIM change, retry and time do not unlock it."""
    for before, event, after, _ in permitted():
        if before.lock is Lock.LOCKED is not after.lock:
            assert event.kind in {EventKind.ALLOWED, EventKind.NOTICED, EventKind.RELEASED}


def test_released_device_makes_no_request() -> None:
    for before, _, after, effects in permitted():
        if before.lock is Lock.RELEASED:
            assert after.lock is Lock.RELEASED
            if before.exchange in (Exchange.IDLE, Exchange.BACKOFF):
                assert after.exchange is before.exchange
            assert (
                not any(isinstance(e, RequestVerdict) for e in effects)
                or before.exchange is Exchange.CHALLENGING
            )


def test_floors_never_decrease_and_only_verdicts_of_exchanges_move_the_time() -> None:
    """I4, except for the serial of a verdict, which the verifier has compared before."""
    for before, event, after, _ in permitted():
        was, now = timing.advance(before.memory, CONTEXT), timing.advance(after.memory, CONTEXT)
        assert was.bounds.floor <= now.bounds.floor <= now.time.epoch
        if event.kind not in VERDICTS:
            assert (now.serial, now.time, now.bounds) == (was.serial, was.time, was.bounds)


def test_state_is_persisted_before_it_is_shown_or_sent() -> None:
    """A power cut must not undo a state that was shown or sent."""
    for before, _, after, effects in permitted():
        memory = replace(after.memory, time=before.memory.time, bounds=before.memory.bounds)
        sealed_changed = (after.setup, after.lock, memory) != (
            before.setup,
            before.lock,
            before.memory,
        )
        if sealed_changed:
            assert isinstance(effects[0], Persist)
        assert sum(isinstance(effect, Persist) for effect in effects) <= 1


def test_change_of_the_screen_is_shown() -> None:
    for before, event, after, effects in permitted():
        if screen_of(before) is not screen_of(after):
            assert any(
                isinstance(effect, Show) and effect.screen is screen_of(after) for effect in effects
            ), event


def test_exchange_starts_only_after_the_terms_and_only_once() -> None:
    for before, event, after, effects in permitted():
        if any(isinstance(effect, RequestChallenge) for effect in effects):
            assert (before.exchange, event.kind) == (Exchange.COLLECTING, EventKind.COLLECTED)
        if after.exchange is Exchange.COLLECTING is not before.exchange:
            assert before.setup not in (Setup.LANGUAGE, Setup.TERMS)


def test_failure_does_not_change_the_lock_or_deadlines() -> None:
    for before, event, after, _ in permitted():
        if event.kind is EventKind.FAILED:
            assert (after.lock, after.setup, after.memory) == (before.lock, before.setup, before.memory)
            assert after.exchange is Exchange.BACKOFF


def test_locked_device_can_always_start_or_continue_an_exchange() -> None:
    """I7, as far as single steps show it."""
    locked = [s for s in STATES if s.lock is Lock.LOCKED and s.setup in (Setup.ACTIVATE, Setup.DONE)]
    for state in locked:
        ways = [
            event
            for before, event, _, _ in permitted()
            if before is state and event.kind in {EventKind.RETRY, EventKind.FAILED}
        ]
        assert ways, state


@pytest.mark.parametrize("decision", Decision)
def test_verdict_without_a_request_is_rejected(decision: Decision) -> None:
    with pytest.raises(RejectedEventError, match="no-question") as caught:
        step(State(memory=memory(), setup=Setup.DONE), judged(decision), CONTEXT)
    assert caught.value.machine == "exchange"


def test_only_a_verified_verdict_is_accepted() -> None:
    with pytest.raises(TypeError, match="VerifiedVerdict"):
        VerdictReceived(verified(Decision.ALLOW).claims)  # type: ignore[arg-type]


def test_verdict_sets_floors_deadlines_and_message() -> None:
    waiting = State(memory=memory(), setup=Setup.ACTIVATE, exchange=Exchange.AWAITING_VERDICT, nonce="n" * 32)
    allowed, _ = step(waiting, judged(Decision.ALLOW), Context(100.0, 0.0))
    assert (allowed.memory.serial, allowed.memory.policy_version) == (1, 1)
    assert allowed.memory.check_in_at == NOW + DAY
    assert allowed.memory.offline_at == NOW + 30 * DAY
    assert allowed.memory.warn_at == NOW + 30 * DAY - 30 * DAY // 4
    assert allowed.nonce == ""
    denied, effects = step(waiting, judged(Decision.DENY), CONTEXT)
    assert (denied.memory.case, denied.memory.cause) == ("C-1", LockCause.VERDICT)
    assert [type(effect) for effect in effects] == [Persist, Show, SetAlarm]
    assert isinstance(effects[1], Show)
    assert effects[1].screen is ScreenId.LOCKED


def test_defer_keeps_the_decision_and_renews_the_offline_limit() -> None:
    before = State(
        memory=memory(warn_at=NOW - 2 * DAY, offline_at=NOW + DAY, check_in_at=NOW, case="C-9"),
        setup=Setup.DONE,
        exchange=Exchange.AWAITING_VERDICT,
        lock=Lock.ACTIVATED,
    )
    after, _ = step(before, judged(Decision.DEFER), CONTEXT)
    assert (after.lock, after.memory.case, after.memory.check_in_at) == (Lock.ACTIVATED, "C-9", NOW)
    assert (after.memory.warn_at, after.memory.offline_at) == (NOW + 9 * DAY, NOW + 12 * DAY)
    assert after.exchange is Exchange.BACKOFF
    assert after.retry_at >= CONTEXT.elapsed + 600


@given(
    trouble=st.sampled_from(Trouble),
    attempts=st.integers(1, 10_000),
    fraction=st.floats(0, 1, exclude_max=True),
    retry_after=st.none() | st.integers(0, DAY),
)
def test_backoff_grows_up_to_a_limit_and_is_at_least_retry_after(
    trouble: Trouble, attempts: int, fraction: float, retry_after: int | None
) -> None:
    wait = timing.delay(trouble, attempts, fraction, retry_after)
    row = timing.BACKOFF[trouble]
    assert wait >= max(row.first, retry_after or 0)
    assert wait <= max(row.most, retry_after or 0) * (1 + timing.BACKOFF_JITTER)
    assert timing.delay(trouble, attempts + 1, fraction, retry_after) >= wait


@given(steps=st.lists(st.floats(0, 1e6), max_size=30))
def test_trusted_time_in_small_steps_loses_no_second(steps: list[float]) -> None:
    """Sealing moves the anchor often, so rounding must not slow trusted time down."""
    memory, elapsed = Memory(TimeAnchor(NOW, 0.0), TimestampBounds(NOW - DAY)), 0.0
    for passed in steps:
        elapsed += passed
        memory = timing.advance(memory, Context(elapsed, 0.0))
    assert abs((memory.time.epoch - NOW) - elapsed) < 1.01
    assert memory.time.epoch - memory.bounds.floor == DAY


def test_due_event_is_never_rejected() -> None:
    """Otherwise an alarm would wake the agent repeatedly without effect."""
    for state in STATES:
        if kind := timing.due(state, CONTEXT):
            after, _ = step(state, SimpleEvent(kind), CONTEXT)
            assert after != state, state


def test_new_device_starts_at_the_language_screen_without_a_verdict() -> None:
    state = fresh(floor=NOW)
    assert (state.setup, state.lock, state.memory.serial) == (Setup.LANGUAGE, Lock.UNPROVISIONED, 0)
