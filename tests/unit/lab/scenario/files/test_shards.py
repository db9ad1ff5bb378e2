"""The division into shards: a partition of the scenarios, near the optimum, and a function of only the set."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.scenario.files.shards import (
    COUNT_MAX,
    CaseName,
    Durations,
    Shard,
    divide,
    durations,
    parse_shard,
    part,
)

IDS = st.integers(0, 99).map(str)
NAMES = st.lists(st.tuples(IDS, st.sampled_from(["a", "b/c"])), max_size=40, unique=True)
COUNTS = st.integers(1, 64)
COSTS = st.integers(1, 10**9)


def named(ids: Iterable[str]) -> list[CaseName]:
    return [(each, "file") for each in ids]


def loads(found: dict[CaseName, int], known: Durations, count: int) -> list[int]:
    """The work of each shard."""
    sums = Counter[int]()
    for (key, _), number in found.items():
        sums[number] += known.microseconds.get(key, known.median)
    return [sums[number] for number in range(1, count + 1)]


@given(NAMES, COUNTS, st.dictionaries(IDS, COSTS, max_size=9))
def test_division_of_any_set_is_a_partition_that_ignores_the_order(
    names: list[CaseName], count: int, costs: dict[str, int]
) -> None:
    found = divide(names, count, Durations(costs))
    assert found.keys() == set(names)
    assert set(found.values()) <= set(range(1, count + 1))
    for other in (sorted(names), names[::-1]):
        assert divide(other, count, Durations(costs)) == found


@given(NAMES, COUNTS)
def test_division_without_durations_gives_sizes_that_differ_by_at_most_one(
    names: list[CaseName], count: int
) -> None:
    sizes = loads(divide(names, count, Durations()), Durations(), count)
    assert max(sizes) - min(sizes) <= 1


@given(st.dictionaries(IDS, COSTS, min_size=1, max_size=99), COUNTS)
def test_slowest_shard_exceeds_the_mean_by_less_than_the_longest_scenario(
    costs: dict[str, int], count: int
) -> None:
    slowest = max(loads(divide(named(costs), count, Durations(costs)), Durations(costs), count))
    assert slowest - max(costs.values()) < sum(costs.values()) / count


@given(st.lists(st.integers(1, 30), min_size=1, max_size=7), st.integers(1, 3))
def test_slowest_shard_of_few_scenarios_is_within_grahams_bound_of_the_optimum(
    costs: list[int], count: int
) -> None:
    known = Durations({str(at): cost for at, cost in enumerate(costs)})
    best = min(
        max(sum(c for c, n in zip(costs, numbers, strict=True) if n == each) for each in range(count))
        for numbers in product(range(count), repeat=len(costs))
    )
    slowest = max(loads(divide(named(known.microseconds), count, known), known, count))
    assert slowest * 3 * count <= best * (4 * count - 1)


@pytest.mark.parametrize(
    ("costs", "ids", "count", "numbers"),
    [
        ({"a": 5, "b": 4, "c": 3, "d": 3, "e": 3}, "abcdef", 2, [1, 2, 2, 1, 2, 1]),
        ({}, "abcdef", 3, [1, 2, 3, 1, 2, 3]),
    ],
)
def test_division_is_the_same_on_every_host(
    costs: dict[str, int], ids: str, count: int, numbers: list[int]
) -> None:
    """The longest first, each to the shard with the least work; `f` is new and takes the median."""
    names = named(ids)
    assert divide(names, count, Durations(costs)) == dict(zip(names, numbers, strict=True))


@given(NAMES, COUNTS, st.dictionaries(IDS, COSTS, min_size=1, max_size=9))
def test_scenario_without_a_duration_counts_as_the_lower_median(
    names: list[CaseName], count: int, costs: dict[str, int]
) -> None:
    median = sorted(costs.values())[(len(costs) - 1) // 2]
    explicit = Durations({name: costs.get(name, median) for name, _ in names})
    assert divide(names, count, Durations(costs)) == divide(names, count, explicit)


@given(NAMES, COUNTS, st.dictionaries(IDS, COSTS, max_size=9))
def test_parts_of_a_run_have_each_position_once_in_order_and_the_same_digest(
    names: list[CaseName], count: int, costs: dict[str, int]
) -> None:
    listed, known = sorted(names), Durations(costs, "hash of the file")
    parts = [part(Shard(number, count), known, listed) for number in range(1, count + 1)]
    assert sorted(at for each in parts for at in each.positions) == list(range(len(names)))
    assert all(list(each.positions) == sorted(each.positions) for each in parts)
    assert {(each.scenarios, each.digest, each.durations) for each in parts} == {
        (len(names), parts[0].digest, "hash of the file")
    }
    other = part(Shard(1, count), known, [*listed, ("new", "file")])
    assert other.digest != parts[0].digest


def test_durations_of_a_file_are_microseconds_with_its_hash() -> None:
    found = durations(b'{"a": 1.5, "b": 0, "c": 2}')
    assert found.microseconds == {"a": 1_500_000, "b": 1, "c": 2_000_000}
    assert found.digest == hashlib.sha256(b'{"a": 1.5, "b": 0, "c": 2}').hexdigest()


@pytest.mark.parametrize("text", ["1/1", "7/7", "1/64", f"{COUNT_MAX}/{COUNT_MAX}"])
def test_shard_of_a_valid_text_is_printed_as_it_was_given(text: str) -> None:
    assert str(parse_shard(text)) == text
    assert parse_shard(text) == Shard(*map(int, text.split("/")))


@pytest.mark.parametrize(
    ("text", "correction"),
    [
        ("0/7", "the first is 1/7, the last 7/7"),
        ("8/7", "the first is 1/7, the last 7/7"),
        ("1/0", f"give 1 to {COUNT_MAX}"),
        (f"1/{COUNT_MAX + 1}", f"give 1 to {COUNT_MAX}"),
        *(
            (text, "such as 2/7")
            for text in ("", "2", "2/", "/7", "2 of 7", "-1/7", "2/7/9", "٢/٧", "1.0/7", " 1/7")
        ),
    ],
)
def test_shard_of_another_text_raises_the_correction(text: str, correction: str) -> None:
    with pytest.raises(ValueError, match=correction):
        parse_shard(text)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[1]",
        b"[" * 100_000,
        b'{"a": "1"}',
        b'{"a": -1}',
        b'{"a": NaN}',
        b'{"a": true}',
        b'{"a": 1e99}',
    ],
)
def test_durations_of_another_file_raise_an_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|seconds"):
        durations(content)
