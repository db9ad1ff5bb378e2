"""The guard of the server's clock, against a second statement of its rule."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_stub.clock import (
    EARLIEST,
    LATEST,
    ClockError,
    ClockEvidence,
    ClockFault,
    ClockReading,
    GuardedClock,
    HostClock,
)
from wire.limits import SKEW

START = 1_700_000_000
DAY = 24 * 3600


@dataclass
class SettableClock:
    wall: int = START
    elapsed: int = 5000

    def read(self) -> ClockReading:
        return ClockReading(self.wall, self.elapsed)

    def wait(self, seconds: int) -> None:
        self.wall += seconds
        self.elapsed += seconds

    def step(self, seconds: int) -> None:
        self.wall += seconds


def read(guard: GuardedClock) -> int | ClockFault:
    try:
        return guard()
    except ClockError as error:
        return error.fault


EDGES = (0, 1, SKEW - 1, SKEW, SKEW + 1, 2 * SKEW, DAY, 30 * DAY)
STEPS = st.sampled_from([sign * edge for edge in EDGES for sign in (1, -1)])
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from(EDGES)),
        st.tuples(st.just("step"), STEPS),
        st.tuples(st.just("accept"), st.just(0)),
    ),
    max_size=8,
)


@given(newest=st.one_of(st.none(), STEPS), events=EVENTS)
def test_time_is_returned_unless_the_clock_stepped_or_is_before_the_newest_record(
    newest: int | None, events: list[tuple[str, int]]
) -> None:
    clock = SettableClock()
    guard = GuardedClock(clock, ClockEvidence(0 if newest is None else START + newest))
    stepped, latest, behind, noted = 0, 0 if newest is None else START + newest, False, False
    for kind, seconds in [("wait", 0), *events]:
        if kind == "accept":
            guard.accept()
            stepped, latest, behind, noted = 0, clock.wall, False, False
        else:
            getattr(clock, kind)(seconds)
            stepped += seconds if kind == "step" else 0
        if abs(stepped) > SKEW:
            expected: int | ClockFault = ClockFault.STEPPED
            noted = noted or clock.wall < latest - SKEW
        elif behind := behind or clock.wall < latest - SKEW:
            expected, noted = ClockFault.BEHIND, True
        else:
            expected, latest, noted = clock.wall, max(latest, clock.wall), False
        assert read(guard) == expected
        assert guard.behind == noted
        assert guard.fault == (expected if isinstance(expected, ClockFault) else None)
        assert guard.unchecked() == clock.wall - (stepped if abs(stepped) > SKEW else 0)


@pytest.mark.parametrize(
    ("wall", "nearest"),
    [(-1, EARLIEST), (EARLIEST - 1, EARLIEST), (EARLIEST, None), (LATEST, None), (LATEST + 1, LATEST)],
)
def test_clock_out_of_range_cannot_be_accepted_and_is_right_again_by_itself(
    wall: int, nearest: int | None
) -> None:
    clock = SettableClock(wall)
    guard = GuardedClock(clock)
    if nearest is None:
        assert read(guard) == guard.unchecked() == guard.acceptable() == wall
        guard.accept()
    else:
        assert read(guard) is ClockFault.OUT_OF_RANGE
        assert guard.unchecked() == nearest
        for act in (guard.acceptable, guard.accept):
            with pytest.raises(ClockError, match="clock-out-of-range"):
                act()
        clock.wait(nearest - wall)
        assert read(guard) == nearest


@pytest.mark.parametrize("fault", [ClockFault.STEPPED, ClockFault.BEHIND])
@pytest.mark.parametrize("off", [0, SKEW, -SKEW, DAY, -SKEW - 1, -DAY])
def test_acceptance_on_another_process_begins_like_a_restart(fault: ClockFault, off: int) -> None:
    """`off`: how far the clock is from the newest record of after the acceptance."""
    clock, looks = SettableClock(), [0]
    shown = ClockEvidence(START + 9 * DAY if fault is ClockFault.BEHIND else START, number=3)

    def newer() -> ClockEvidence:
        looks[0] += 1
        return shown

    guard = GuardedClock(clock, shown, newer)
    if fault is ClockFault.STEPPED:
        assert read(guard) == START
        assert looks == [0], "a clock that is right does not look"
        clock.step(-DAY)
    assert read(guard) is fault
    assert looks[0] > 0
    shown = ClockEvidence(clock.wall - off, number=4)
    restarted = GuardedClock(clock, shown)
    assert read(guard) == read(restarted) == (clock.wall if off >= -SKEW else ClockFault.BEHIND)
    guard.accept(5)
    shown = ClockEvidence(clock.wall, number=5)
    clock.step(DAY)
    assert read(guard) is ClockFault.STEPPED, "its own acceptance is not another one"


@pytest.mark.parametrize("stopped", [0, DAY, 5 * 365 * DAY])
def test_time_without_a_server_is_no_fault(stopped: int) -> None:
    assert (
        read(GuardedClock(SettableClock(START + stopped, elapsed=0), ClockEvidence(START))) == START + stopped
    )


def test_clocks_of_the_machine_pass_the_guard() -> None:
    clock = HostClock()
    guard = GuardedClock(clock, ClockEvidence(int(clock.read().wall)))
    assert guard.fault is None
    assert guard() <= guard.unchecked()
