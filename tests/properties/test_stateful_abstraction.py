"""The abstraction that the exploration rests on loses nothing: `step` commutes with it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.effects import Effect
from agent.core.events import Event, EventKind, Failed, SimpleEvent, VerdictReceived
from agent.core.screens import Trouble
from agent.core.states import Attention, Exchange, Lock, LockCause, Memory, Setup, State, TimeAnchor
from agent.core.step import RejectedEventError, step
from agent.core.timing import due
from agent.verification.verdict import VerifiedVerdict
from lab.model_check.abstraction import ACCEPTED, BACKOFF, DEADLINES, HERE, NOW, UNIT, canonical
from lab.model_check.transitions import SPECIAL
from lab.model_check.verdict_factory import FRESH, honest, judge
from tests.support.judged import NONCE, judged
from tests.support.profiles import examples
from wire.codes import Decision

DAY = 86_400
instants = st.none() | st.integers(NOW - 3 * UNIT, NOW + 60 * DAY)
memories = st.builds(
    Memory,
    time=st.just(TimeAnchor(NOW, 0.0)),
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
    anchored=st.booleans(),
    nonce=st.sampled_from(["", NONCE]),
    attempts=st.integers(0, 30),
    retry_at=st.sampled_from([0.0, 30.0, BACKOFF]),
    trouble=st.none() | st.sampled_from(Trouble),
)
events = st.one_of(
    st.sampled_from(Trouble).map(lambda trouble: Failed(trouble, "explored")),
    st.sampled_from(sorted(Decision)).map(judged),
    st.sampled_from([kind for kind in EventKind if kind in SPECIAL]).map(SPECIAL.__getitem__),
    st.sampled_from(
        [
            EventKind.BOOTED, EventKind.CONNECTED, EventKind.RETRY, EventKind.CONTINUE, EventKind.IMEI_REQUESTED,
            EventKind.SIM_CHANGED, EventKind.HEARTBEAT, EventKind.CHECK_IN_DUE, EventKind.RETRY_DUE,
            EventKind.WARNING_DUE, EventKind.LOCK_DUE, EventKind.OFFLINE_DUE, EventKind.TERMS_DECLINED,
        ]
    ).map(SimpleEvent),
)  # fmt: skip


def taken(state: State, event: Event) -> tuple[object, list[type[Effect]]]:
    """The canonical state after an event with the kinds of its effects, or the refusal."""
    try:
        after, effects = step(state, event, HERE)
    except RejectedEventError as error:
        return (error.machine, error.rejection), []
    return canonical(after), [type(effect) for effect in effects]


@settings(max_examples=examples(250))
@given(state=states, event=events)
def test_step_cannot_tell_a_state_from_its_canonical_one(state: State, event: Event) -> None:
    """If it could, the exploration would have seen only some of what can happen, and said that it saw all."""
    assert taken(canonical(state), event) == taken(state, event)


@settings(max_examples=examples(80))
@given(state=states)
def test_what_is_due_does_not_depend_on_what_is_dropped(state: State) -> None:
    """The alarm wakes a canonical phone for what it would wake the phone itself for."""
    assert due(canonical(state), HERE) == due(state, HERE)


@settings(max_examples=examples(80))
@given(state=states)
def test_the_canonical_state_of_a_canonical_state_is_itself(state: State) -> None:
    """Otherwise the number of states would depend on how often they were looked at."""
    assert canonical(canonical(state)) == canonical(state)


@settings(max_examples=examples(80))
@given(state=states, elapsed=st.floats(0, 50 * DAY))
def test_waiting_passes_the_same_deadlines_in_the_same_order(state: State, elapsed: float) -> None:
    """Every real wait is some number of the exploration's waits to the next deadline."""
    later = canonical(state, elapsed)
    abstract = canonical(state)
    waits = [abstract]
    for _ in DEADLINES:
        abstract = canonical(abstract, UNIT)
        waits.append(abstract)
    memories = [wait.memory for wait in waits]
    assert later.memory in memories


def test_a_verdict_from_later_than_the_phone_knew_moves_time_past_its_deadlines() -> None:
    """Trusted time jumps with the verdict, and a deadline that a deferral keeps may lie behind it then."""
    waiting = State(
        Memory(TimeAnchor(NOW), lock_at=NOW + 3), Setup.DONE, Exchange.AWAITING_VERDICT, Lock.NOTICE
    )
    late = judge(honest("defer", waiting, FRESH, 0, UNIT), waiting, FRESH)
    assert isinstance(late, VerifiedVerdict)
    after, _ = step(waiting, VerdictReceived(late), HERE)
    assert canonical(after).memory.lock_at == NOW
