"""Which request a fault is injected into: every condition of a schedule."""

from collections.abc import Iterable
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.fault_proxy.schedule import FaultSchedule, FaultScheduler, NetworkFault, OutgoingRequest
from lab.world.seed import Seed
from server_stub.faults.catalogue import FaultKind, Route
from wire import media

PATHS = {
    Route.CHALLENGES: media.CHALLENGES_PATH,
    Route.VERDICTS: media.VERDICTS_PATH,
    Route.KEYS: "/tuf/metadata/timestamp.json",
    Route.ALL: "/healthz",
}
REQUESTS = st.lists(
    st.builds(
        OutgoingRequest,
        device=st.sampled_from(["anna", "ben"]),
        path=st.sampled_from(list(PATHS.values())),
        at=st.integers(0, 20).map(float),
        repeated=st.booleans(),
    ),
    max_size=30,
)
ONE_REQUEST = OutgoingRequest("anna", "/", 0.0, repeated=False)


def scheduler(*faults: NetworkFault, seed: str = "schedules", **options: bool) -> FaultScheduler:
    return FaultScheduler(faults, cache(Seed.of(seed).random), **options)


def injections(
    requests: Iterable[OutgoingRequest], *faults: NetworkFault, seed: str = "schedules"
) -> list[bool]:
    made = scheduler(*faults, seed=seed)
    return [made.fault_for(request) is not None for request in requests]


def reset(**when: Any) -> NetworkFault:
    return NetworkFault(FaultKind.RESET, FaultSchedule(**when))


@given(REQUESTS)
def test_fault_without_conditions_is_injected_into_every_request(requests: list[OutgoingRequest]) -> None:
    assert injections(requests, reset()) == [True] * len(requests)


@given(REQUESTS, st.sampled_from(Route))
def test_route_selects_requests_by_path(requests: list[OutgoingRequest], route: Route) -> None:
    expected = [route is Route.ALL or request.path == PATHS[route] for request in requests]
    assert injections(requests, reset(route=route)) == expected


@given(REQUESTS)
def test_devices_select_requests_by_device_name(requests: list[OutgoingRequest]) -> None:
    expected = [request.device == "anna" for request in requests]
    assert injections(requests, reset(devices=frozenset({"anna"}))) == expected


@given(REQUESTS, st.integers(1, 6), st.sampled_from(Route))
def test_nth_counts_the_eligible_requests_of_each_device(
    requests: list[OutgoingRequest], nth: int, route: Route
) -> None:
    injected = injections(requests, reset(nth=nth, route=route))
    for device in ("anna", "ben"):
        eligible = [
            hit
            for request, hit in zip(requests, injected, strict=True)
            if request.device == device and route.matches(request.path)
        ]
        assert eligible == [number == nth for number in range(1, len(eligible) + 1)]


@given(REQUESTS, st.integers(1, 6))
def test_times_limits_the_number_of_injections(requests: list[OutgoingRequest], times: int) -> None:
    assert injections(requests, reset(times=times)) == [number < times for number in range(len(requests))]


@given(REQUESTS, st.integers(0, 10), st.integers(1, 10))
def test_window_includes_its_start_and_excludes_its_end(
    requests: list[OutgoingRequest], start: int, length: int
) -> None:
    window = reset(start=float(start), end=float(start + length))
    assert injections(requests, window) == [start <= request.at < start + length for request in requests]


@given(REQUESTS, st.integers(0, 10))
def test_nth_counts_from_the_start_of_the_window(requests: list[OutgoingRequest], start: int) -> None:
    injected = injections(requests, reset(start=float(start), nth=1))
    for device in ("anna", "ben"):
        inside = [
            hit
            for request, hit in zip(requests, injected, strict=True)
            if request.device == device and request.at >= start
        ]
        assert inside == [number == 0 for number in range(len(inside))]
    assert not any(hit for request, hit in zip(requests, injected, strict=True) if request.at < start)


@given(REQUESTS, st.floats(0.1, 1.0))
def test_probability_depends_only_on_the_generator_and_the_device(
    requests: list[OutgoingRequest], probability: float
) -> None:
    fault = reset(probability=probability)
    injected = injections(requests, fault)
    assert injected == injections(requests, fault)
    alone = injections([request for request in requests if request.device == "anna"], fault)
    assert alone == [hit for request, hit in zip(requests, injected, strict=True) if request.device == "anna"]


def test_probability_is_the_share_of_injections_over_many_requests() -> None:
    """Of 2000 requests at 0.3, within five standard deviations; another seed selects others."""
    many = [ONE_REQUEST] * 2000
    injected = injections(many, reset(probability=0.3))
    assert 500 < sum(injected) < 700
    assert injected != injections(many, reset(probability=0.3), seed="another")
    assert all(injections(many, reset(probability=1.0)))


def test_probability_is_drawn_only_where_every_other_condition_holds() -> None:
    """One generator for all devices gives the same draws whatever other faults are scheduled."""
    chance = reset(probability=0.5)
    others = (reset(nth=99, probability=0.5), reset(devices=frozenset({"ben"}), probability=0.5))
    random, same_random = Random(1), Random(1)
    alone = FaultScheduler([chance], lambda _: random)
    beside = FaultScheduler([*others, chance], lambda _: same_random)
    for _ in range(50):
        assert (alone.fault_for(ONE_REQUEST) is None) == (beside.fault_for(ONE_REQUEST) is None)


@given(REQUESTS)
def test_replay_waits_for_an_earlier_response(requests: list[OutgoingRequest]) -> None:
    injected = injections(requests, NetworkFault(FaultKind.REPLAYED, FaultSchedule(times=1)))
    assert injected == [
        request.repeated and not any(earlier.repeated for earlier in requests[:i])
        for i, request in enumerate(requests)
    ]


def test_replay_counts_every_request_if_the_scheduler_says_so() -> None:
    replay = NetworkFault(FaultKind.REPLAYED, FaultSchedule(nth=1))
    assert scheduler(replay, replays_wait=False).fault_for(ONE_REQUEST) is replay
    assert scheduler(replay).fault_for(ONE_REQUEST) is None


@given(REQUESTS)
def test_first_of_several_faults_is_injected_and_all_of_them_count_the_request(
    requests: list[OutgoingRequest],
) -> None:
    made = scheduler(
        reset(nth=2),
        NetworkFault(FaultKind.GARBAGE, FaultSchedule(nth=2)),
        NetworkFault(FaultKind.REDIRECT),
    )
    kinds = [fault.kind for request in requests if (fault := made.fault_for(request))]
    assert FaultKind.GARBAGE not in kinds
    assert len(kinds) == len(requests)


def test_cleared_faults_are_not_injected() -> None:
    made = scheduler(reset(), NetworkFault(FaultKind.PARTITION))
    made.clear_faults(FaultKind.RESET)
    fault = made.fault_for(ONE_REQUEST)
    assert fault is not None
    assert fault.kind is FaultKind.PARTITION
    made.clear_faults()
    assert made.fault_for(ONE_REQUEST) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FaultSchedule(nth=0), "count from 1"),
        (lambda: FaultSchedule(times=0), "count from 1"),
        (lambda: FaultSchedule(probability=0.0), "above 0 and at most 1"),
        (lambda: FaultSchedule(probability=1.5), "above 0 and at most 1"),
        (lambda: FaultSchedule(start=5.0, end=5.0), "never injected"),
        (lambda: NetworkFault(FaultKind.RESET, retry_after=5), "retry_after is for"),
        (lambda: NetworkFault(FaultKind.UNAVAILABLE, retry_after=-1), "not below 0"),
        (lambda: NetworkFault(FaultKind.CLOCK_SKEW), "needs it"),
        (lambda: NetworkFault(FaultKind.RESET, seconds=5), "is for clock-skew"),
    ],
)
def test_impossible_fault_is_rejected(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
