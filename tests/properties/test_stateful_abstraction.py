"""The abstraction of the model checker is exact: `step` commutes with it."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.effects import Effect
from agent.core.events import Collected, Event, EventKind, Failed, SimpleEvent
from agent.core.screens import ModemTrouble, Trouble
from agent.core.states import Attention, Exchange, Lock, LockCause, Memory, Setup, State, TimeAnchor
from agent.core.step import RejectedEventError, step
from agent.core.timing import due
from agent.verification.bounds import TimestampBounds
from lab.model_check.abstraction import (
    ACCEPTED,
    BACKOFF,
    DEADLINES,
    HERE,
    canonical,
    reach,
    to_come,
)
from lab.model_check.publications import KNOWN, NOW, UNIT, Publication
from lab.model_check.transitions import SPECIAL
from lab.model_check.verdict_factory import FRESH, Refusal, ServerAnswer, Token, Verifier
from tests.support.judged import NONCE, judged
from tests.support.profiles import examples
from wire.codes import Decision

DAY = 86_400
instants = st.none() | st.integers(NOW - 3 * UNIT, NOW + 60 * DAY)
memories = st.builds(
    Memory,
    time=st.just(TimeAnchor(NOW, 0.0)),
    bounds=st.sampled_from(
        [TimestampBounds(NOW), KNOWN, replace(KNOWN, floor=NOW, clock=9, signers=("another",))]
    ),
    locale=st.sampled_from(["en", "de"]),
    terms_version=st.sampled_from(["", ACCEPTED, "2021-07"]),
    serial=st.sampled_from([0, 1, 77]),
    policy_version=st.sampled_from([0, 3]),
    jti=st.sampled_from(["", "a"]),
    imei=st.sampled_from(["", "350000000000006"]),
    case=st.sampled_from(["", "C-1"]),
    territory=st.sampled_from(["", "CU"]),
    cause=st.sampled_from(LockCause),
    check_in_at=instants,
    warn_at=instants,
    lock_at=instants,
    offline_at=instants,
    boots=st.integers(0, 9),
)
states = st.builds(
    State,
    memory=memories,
    setup=st.sampled_from(Setup),
    exchange=st.sampled_from(Exchange),
    lock=st.sampled_from(Lock),
    attention=st.sampled_from(Attention),
    imei=st.sampled_from(["", "350000000000006"]),
    modem=st.none() | st.sampled_from(ModemTrouble),
    nonce=st.sampled_from(["", NONCE]),
    attempts=st.integers(0, 30),
    retry_at=st.sampled_from([0.0, 30.0, BACKOFF]),
    trouble=st.none() | st.sampled_from(Trouble),
)
events = st.one_of(
    st.sampled_from(Trouble).map(lambda trouble: Failed(trouble, "explored")),
    st.sampled_from(sorted(Decision)).map(judged),
    st.sampled_from([kind for kind in EventKind if kind in SPECIAL]).map(SPECIAL.__getitem__),
    st.sampled_from(ModemTrouble).map(lambda trouble: Collected("", trouble)),
    st.sampled_from(
        [
            EventKind.BOOTED, EventKind.CONNECTED, EventKind.RETRY, EventKind.CONTINUE, EventKind.IMEI_REQUESTED,
            EventKind.SIM_CHANGED, EventKind.HEARTBEAT, EventKind.CHECK_IN_DUE, EventKind.RETRY_DUE,
            EventKind.WARNING_DUE, EventKind.LOCK_DUE, EventKind.OFFLINE_DUE, EventKind.TERMS_DECLINED,
        ]
    ).map(SimpleEvent),
)  # fmt: skip


def outcome(state: State, event: Event) -> tuple[object, list[type[Effect]]]:
    """The canonical state after an event with the kinds of its effects, or the rejection."""
    try:
        after, effects = step(state, event, HERE)
    except RejectedEventError as error:
        return (error.machine, error.rejection), []
    return canonical(after), [type(effect) for effect in effects]


@settings(max_examples=examples(250))
@given(state=states, event=events)
def test_step_of_a_state_equals_the_step_of_its_canonical_state(state: State, event: Event) -> None:
    """Otherwise the model checker would not explore all states."""
    assert outcome(canonical(state), event) == outcome(state, event)


@settings(max_examples=examples(80))
@given(state=states)
def test_due_event_does_not_depend_on_dropped_values(state: State) -> None:
    assert due(canonical(state), HERE) == due(state, HERE)


@settings(max_examples=examples(80))
@given(state=states)
def test_canonical_is_idempotent(state: State) -> None:
    assert canonical(canonical(state)) == canonical(state)


@settings(max_examples=examples(80))
@given(state=states, elapsed=st.floats(0, 50 * DAY))
def test_any_wait_equals_the_deadlines_that_it_reaches(state: State, elapsed: float) -> None:
    """In any order, since the abstraction does not know how long any of them takes."""
    abstract = canonical(state)
    for name in DEADLINES:
        at = getattr(state.memory, name)
        if at is not None and NOW < at <= NOW + int(elapsed):
            abstract = reach(abstract, name)
    assert canonical(state, elapsed).memory == abstract.memory


@given(state=states)
def test_deadline_to_come_is_reached_next(state: State) -> None:
    abstract = canonical(state)
    for name in to_come(abstract):
        later = reach(abstract, name)
        assert (getattr(later.memory, name) or 0) <= NOW
        assert name not in to_come(later)


def test_verdict_from_a_later_time_can_move_trusted_time_past_a_deadline() -> None:
    memory = Memory(TimeAnchor(NOW), KNOWN, lock_at=NOW + 3)
    waiting = State(memory, Setup.DONE, Exchange.AWAITING_VERDICT, Lock.NOTICE)
    answer = ServerAnswer(Token("defer", issued=NOW + UNIT), Publication(NOW + UNIT))
    late = Verifier().exchange(answer, memory, FRESH)
    assert not isinstance(late, Refusal)
    after, _ = step(waiting, late, HERE)
    assert canonical(after).memory.lock_at == NOW
