"""Which request a fault befalls: every condition of a schedule, alone and under a seed."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.fault_proxy.faults import FaultKind, Route
from lab.fault_proxy.schedule import Fault, FaultScheduler, OutgoingRequest, Schedule
from lab.world.seed import Seed
from wire import media

PATHS = {
    Route.CHALLENGES: media.CHALLENGES_PATH,
    Route.VERDICTS: media.VERDICTS_PATH,
    Route.KEYS: "/tuf/metadata/timestamp.json",
    Route.ALL: "/healthz",
}
SEED = Seed.of("schedules")

asked = st.builds(
    OutgoingRequest,
    phone=st.sampled_from(["anna", "ben"]),
    path=st.sampled_from(list(PATHS.values())),
    at=st.integers(0, 20).map(float),
    again=st.booleans(),
)
requests = st.lists(asked, max_size=30)


def struck(requests: Iterable[OutgoingRequest], *faults: Fault, seed: Seed = SEED) -> list[bool]:
    fates = FaultScheduler(faults, seed)
    return [fates.fault_for(each) is not None for each in requests]


def reset(**when: Any) -> Fault:
    return Fault(FaultKind.RESET, Schedule(**when))


@given(requests)
def test_without_a_condition_it_strikes_every_time(made: list[OutgoingRequest]) -> None:
    """The conditions below take away from this."""
    assert struck(made, reset()) == [True] * len(made)


@given(requests, st.sampled_from(Route))
def test_a_route_is_what_a_phone_asks_for(made: list[OutgoingRequest], route: Route) -> None:
    """A fault for verdicts leaves challenges and keys alone; `all` leaves nothing alone."""
    expected = [route is Route.ALL or each.path == PATHS[route] for each in made]
    assert struck(made, reset(route=route)) == expected


@given(requests)
def test_a_fault_of_one_phone_leaves_the_others_alone(made: list[OutgoingRequest]) -> None:
    """Phones are told apart by their names."""
    expected = [each.phone == "anna" for each in made]
    assert struck(made, reset(phones=frozenset({"anna"}))) == expected


@given(requests, st.integers(1, 6), st.sampled_from(Route))
def test_the_nth_request_is_the_nth_that_could_be_hit(
    made: list[OutgoingRequest], nth: int, route: Route
) -> None:
    """Counted for each phone apart, and requests for something else do not count."""
    hits = struck(made, reset(nth=nth, route=route))
    for phone in ("anna", "ben"):
        could = [
            hit
            for each, hit in zip(made, hits, strict=True)
            if each.phone == phone and route.holds(each.path)
        ]
        assert could == [number == nth for number in range(1, len(could) + 1)]


@given(requests, st.integers(1, 6))
def test_times_is_how_often_it_strikes_at_most(made: list[OutgoingRequest], times: int) -> None:
    """The first ones are hit, whoever sends them."""
    assert struck(made, reset(times=times)) == [number < times for number in range(len(made))]


@given(requests, st.integers(0, 10), st.integers(1, 10))
def test_a_window_begins_with_its_start_and_is_over_at_its_end(
    made: list[OutgoingRequest], start: int, length: int
) -> None:
    """A partition that heals at noon is healed at noon."""
    window = reset(start=float(start), end=float(start + length))
    assert struck(made, window) == [start <= each.at < start + length for each in made]


@given(requests, st.integers(0, 10))
def test_the_nth_request_of_a_window_is_counted_from_its_start(
    made: list[OutgoingRequest], start: int
) -> None:
    """What came before the fault could strike is not counted."""
    hits = struck(made, reset(start=float(start), nth=1))
    for phone in ("anna", "ben"):
        inside = [
            hit for each, hit in zip(made, hits, strict=True) if each.phone == phone and each.at >= start
        ]
        assert inside == [number == 0 for number in range(len(inside))]
    assert not any(hit for each, hit in zip(made, hits, strict=True) if each.at < start)


@given(requests, st.floats(0.1, 1.0))
def test_chance_follows_from_the_seed_and_from_the_phone_alone(
    made: list[OutgoingRequest], probability: float
) -> None:
    """What another phone does in between moves nobody's luck."""
    fault = reset(probability=probability)
    hits = struck(made, fault)
    assert hits == struck(made, fault)
    alone = struck([each for each in made if each.phone == "anna"], fault)
    assert alone == [hit for each, hit in zip(made, hits, strict=True) if each.phone == "anna"]


def test_a_probability_is_how_often_it_strikes_in_the_long_run() -> None:
    """Of 2000 requests at 0.3, within five standard deviations; another seed hits others."""
    many = [OutgoingRequest("anna", "/", 0.0, again=False)] * 2000
    hits = struck(many, reset(probability=0.3))
    assert 500 < sum(hits) < 700
    assert hits != struck(many, reset(probability=0.3), seed=Seed.of("another"))
    assert all(struck(many, reset(probability=1.0)))


@given(requests)
def test_a_replay_waits_until_there_is_something_to_replay(made: list[OutgoingRequest]) -> None:
    """The first request that could be hit is the first one with an earlier answer."""
    hits = struck(made, Fault(FaultKind.REPLAYED, Schedule(times=1)))
    assert hits == [
        each.again and not any(before.again for before in made[:i]) for i, each in enumerate(made)
    ]


@given(requests)
def test_the_first_of_several_faults_has_a_request_and_all_of_them_count_it(
    made: list[OutgoingRequest],
) -> None:
    """A fault that comes first does not shift the count of those behind it."""
    fates = FaultScheduler(
        [reset(nth=2), Fault(FaultKind.GARBAGE, Schedule(nth=2)), Fault(FaultKind.REDIRECT)], SEED
    )
    kinds = [fate.kind for each in made if (fate := fates.fault_for(each))]
    assert FaultKind.GARBAGE not in kinds
    assert len(kinds) == len(made)


def test_what_is_healed_strikes_no_more() -> None:
    """One kind, or all of them."""
    request = OutgoingRequest("anna", "/", 0.0, again=False)
    fates = FaultScheduler([reset(), Fault(FaultKind.PARTITION)], SEED)
    fates.clear_faults(FaultKind.RESET)
    assert [fault.kind for fault in fates] == [FaultKind.PARTITION]
    fate = fates.fault_for(request)
    assert fate is not None
    assert fate.kind is FaultKind.PARTITION
    fates.clear_faults()
    assert fates.fault_for(request) is None


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Schedule(nth=0), "count from 1"),
        (lambda: Schedule(times=0), "count from 1"),
        (lambda: Schedule(probability=0.0), "above 0 and at most 1"),
        (lambda: Schedule(probability=1.5), "above 0 and at most 1"),
        (lambda: Schedule(start=5.0, end=5.0), "never strikes"),
        (lambda: Fault(FaultKind.RESET, retry_after=5), "retry_after is for"),
        (lambda: Fault(FaultKind.UNAVAILABLE, retry_after=-1), "not below 0"),
        (lambda: Fault(FaultKind.CLOCK_SKEW), "needs it"),
        (lambda: Fault(FaultKind.RESET, seconds=5), "is for clock-skew"),
    ],
)
def test_a_fault_that_can_never_be_is_refused(made: Any, said: str) -> None:
    """A plan that silently does nothing would let a test pass for the wrong reason."""
    with pytest.raises(ValueError, match=said):
        made()
