"""The sealed state: only the newest record of this device is used, after any change of the file."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.screens import Trouble
from agent.core.states import Attention, Exchange, Lock, LockCause, Memory, Setup, State, TimeAnchor, fresh
from agent.sealing import MAGIC, RECORD_MAX, SealFault, recover, seal, unseal
from agent.verification.bounds import TimestampBounds
from wire.codes import MessageKey

KEY = bytes(range(32))
BLANK = fresh(floor=1_600_000_000, elapsed=7.5)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
times = st.none() | st.integers(0, 2**40)
bounds = st.builds(
    TimestampBounds,
    st.integers(1_600_000_000),
    st.integers(0),
    st.integers(0),
    st.lists(texts, max_size=3).map(tuple),
)
memories = st.builds(
    lambda bounds, ahead, elapsed, **fields: Memory(
        TimeAnchor(bounds.floor + ahead, elapsed), bounds, **fields
    ),
    bounds=bounds,
    ahead=st.integers(0, 10**9),
    elapsed=st.floats(0, 1e9),
    locale=st.sampled_from(["en", "ar"]),
    terms_version=texts,
    serial=st.integers(0, 2**53),
    policy_version=st.integers(0, 2**53),
    jti=texts,
    message=st.none() | st.sampled_from(MessageKey),
    args=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    case=texts,
    territory=texts,
    cause=st.sampled_from(LockCause),
    lock_at=times,
    check_in_at=times,
    warn_at=times,
    offline_at=times,
    boots=st.integers(0, 10**6),
)
states = st.builds(State, memory=memories, setup=st.sampled_from(Setup), lock=st.sampled_from(Lock))
counters = st.integers(1, 2**60)


@given(state=states, counter=counters)
def test_newest_record_is_recovered(state: State, counter: int) -> None:
    """Trusted time and its floor continue from the boot."""
    found = recover(seal(state, KEY, counter), KEY, counter, BLANK)
    time = TimeAnchor(state.memory.time.epoch, BLANK.memory.time.elapsed)
    assert found.fault is None
    assert not found.behind
    assert found.state == replace(
        BLANK, setup=state.setup, lock=state.lock, memory=replace(state.memory, time=time)
    )


@given(state=states, counter=counters)
def test_record_one_ahead_of_the_counter_is_used_and_the_counter_is_behind(
    state: State, counter: int
) -> None:
    """As after a power cut between writing and counting."""
    found = recover(seal(state, KEY, counter), KEY, counter - 1, BLANK)
    assert (found.fault, found.behind, found.state.lock) == (None, True, state.lock)


@given(state=states, counter=counters, gap=st.integers(1, 1000))
def test_older_record_is_rejected(state: State, counter: int, gap: int) -> None:
    found = recover(seal(state, KEY, counter), KEY, counter + gap, BLANK)
    assert (found.state, found.fault) == (BLANK, SealFault.ROLLED_BACK)


@given(state=states, counter=counters, gap=st.integers(2, 1000))
def test_record_newer_than_the_counter_is_rejected(state: State, counter: int, gap: int) -> None:
    found = recover(seal(state, KEY, counter + gap), KEY, counter, BLANK)
    assert (found.state, found.fault) == (BLANK, SealFault.COUNTER_LOST)


@given(state=states, counter=counters, data=st.data())
def test_changed_or_truncated_record_is_rejected(state: State, counter: int, data: st.DataObject) -> None:
    record = bytearray(seal(state, KEY, counter))
    where = data.draw(st.integers(0, len(record) - 1))
    if data.draw(st.booleans()):
        record[where] ^= data.draw(st.integers(1, 255))
    else:
        del record[where:]
    found = recover(bytes(record), KEY, counter, BLANK)
    assert (found.state, found.fault) == (BLANK, SealFault.FOREIGN)


@given(content=st.binary(max_size=200))
def test_random_bytes_are_foreign(content: bytes) -> None:
    assert recover(MAGIC + content, KEY, 1, BLANK).fault is SealFault.FOREIGN
    assert unseal(content, KEY) is None


def test_record_of_another_device_is_foreign() -> None:
    record = seal(replace(BLANK, lock=Lock.ACTIVATED), bytes(32), 1)
    assert recover(record, KEY, 1, BLANK).fault is SealFault.FOREIGN


def test_too_large_file_is_not_decrypted() -> None:
    record = seal(BLANK, KEY, 1)
    assert unseal(record + bytes(RECORD_MAX), KEY) is None


@pytest.mark.parametrize(("counter", "fault"), [(0, None), (3, SealFault.MISSING)])
def test_missing_file_is_a_fault_unless_the_counter_is_zero(counter: int, fault: SealFault | None) -> None:
    assert recover(None, KEY, counter, BLANK).fault is fault


def test_record_is_encrypted_and_deterministic() -> None:
    state = replace(BLANK, memory=replace(BLANK.memory, case="PLANTED-CASE"))
    assert b"PLANTED" not in seal(state, KEY, 1)
    assert seal(state, KEY, 1) == seal(state, KEY, 1)
    assert seal(state, KEY, 1) != seal(state, KEY, 2)


def test_state_of_an_exchange_is_not_sealed() -> None:
    running = replace(
        BLANK,
        exchange=Exchange.AWAITING_VERDICT,
        attention=Attention.WARNING,
        nonce="n" * 32,
        attempts=3,
        trouble=Trouble.BUSY,
    )
    assert recover(seal(running, KEY, 1), KEY, 1, BLANK).state == BLANK


@pytest.mark.parametrize(("time", "floor"), [(1_500_000_000, 1_400_000_000), (1_700_000_000, 1_400_000_000)])
def test_newer_image_raises_trusted_time_and_its_floor_to_its_build_date(time: int, floor: int) -> None:
    old = replace(BLANK, memory=replace(BLANK.memory, time=TimeAnchor(time), bounds=TimestampBounds(floor)))
    found = recover(seal(old, KEY, 1), KEY, 1, BLANK).state.memory
    assert (found.time.epoch, found.bounds.floor) == (max(time, 1_600_000_000), 1_600_000_000)
