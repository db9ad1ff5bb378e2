"""The statistics of an investigation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_stub.investigation.analysis import (
    SMALLEST,
    Investigation,
    Origin,
    OriginDimension,
    Share,
    ShareFinding,
    investigate,
    wilson,
)

MONDAY = 1_630_886_400  # 6 September 2021
DAY = 86_400

origins = st.builds(
    Origin,
    activated_at=st.integers(0, 4_000_000_000),
    prohibited=st.sampled_from([None, "CU", "IR", "UA-43"]),
    sale_region=st.sampled_from([None, "global", "eea"]),
    model=st.sampled_from([None, "SV-1", "SV-2"]),
    batch=st.sampled_from([None, *"ABCDEFGH"]),
    distributor=st.sampled_from([None, "north", "south"]),
)


def rows(found: Investigation, dimension: OriginDimension) -> list[Share]:
    table = found.table(dimension)
    return [*table.shares, *([table.rest] if table.rest else [])]


def phones(count: int, prohibited: int, batch: str) -> list[Origin]:
    return [Origin(MONDAY, "CU" if number < prohibited else None, batch=batch) for number in range(count)]


@given(st.lists(origins), st.integers(1, 8))
def test_every_device_with_a_value_is_in_exactly_one_row(given_origins: list[Origin], smallest: int) -> None:
    found = investigate(given_origins, smallest=smallest)
    for dimension in OriginDimension:
        known = [origin for origin in given_origins if origin.value(dimension) is not None]
        assert found.table(dimension).known == len(known)
        assert sum(row.activated for row in rows(found, dimension)) == len(known)
        hits = sum(origin.prohibited is not None for origin in known)
        assert sum(row.prohibited for row in rows(found, dimension)) == hits
        if hits:
            assert sum(row.of_all for row in rows(found, dimension)) == pytest.approx(1)


@given(st.lists(origins), st.randoms())
def test_result_does_not_depend_on_the_order_of_devices(given_origins: list[Origin], random: object) -> None:
    shuffled = list(given_origins)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert repr(investigate(shuffled)) == repr(investigate(given_origins))


@given(st.lists(origins), st.integers(1, 8))
def test_no_row_has_fewer_devices_than_smallest(given_origins: list[Origin], smallest: int) -> None:
    found = investigate(given_origins, smallest=smallest)
    for dimension in OriginDimension:
        assert all(share.activated >= smallest for share in found.table(dimension).shares)


@given(st.lists(origins))
def test_weeks_and_territories_count_the_same_devices(given_origins: list[Origin]) -> None:
    found = investigate(given_origins)
    assert sum(found.territories.values()) == found.prohibited
    assert sum(sum(week.territories.values()) for week in found.weeks) == found.prohibited
    begins = [week.begins for week in found.weeks]
    assert begins == sorted(set(begins))


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (1, 4, 0.0456, 0.6994),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_interval_equals_published_wilson_intervals(hits: int, trials: int, low: float, high: float) -> None:
    """Values of other implementations; the last from R. G. Newcombe, 1998."""
    interval = wilson(hits, trials)
    assert (interval.low, interval.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_interval_contains_the_rate_and_shrinks_with_more_devices(hits: int, misses: int) -> None:
    trials = hits + misses
    interval = wilson(hits, trials)
    assert 0 <= interval.low <= (hits / trials if trials else 0) <= interval.high <= 1
    twice = wilson(2 * hits, 2 * trials)
    assert twice.high - twice.low <= interval.high - interval.low


@pytest.mark.parametrize(
    ("leaking", "finding"),
    [
        (phones(40, 30, "A"), ShareFinding.ABOVE),
        (phones(40, 0, "A"), ShareFinding.BELOW),
        (phones(6, 3, "A"), ShareFinding.UNDECIDED),
    ],
)
def test_finding_needs_a_significant_difference(leaking: list[Origin], finding: ShareFinding) -> None:
    """Three of six next to a hundred of four hundred is not a finding; thirty of forty is one."""
    found = investigate(leaking + phones(400, 100, "B"))
    share = next(share for share in found.table(OriginDimension.BATCH).shares if share.value == "A")
    assert share.finding is finding


def test_level_is_corrected_for_the_number_of_batches() -> None:
    """A batch has a finding next to one other batch, and none next to a hundred."""
    pair = [*phones(50, 12, "odd"), *phones(4950, 495, "B")]
    many = [*phones(50, 12, "odd"), *(each for n in range(99) for each in phones(50, 5, f"B{n}"))]

    def finding(origins_given: list[Origin]) -> ShareFinding:
        shares = investigate(origins_given).table(OriginDimension.BATCH).shares
        return next(share.finding for share in shares if share.value == "odd")

    assert finding(pair) is ShareFinding.ABOVE
    assert finding(many) is ShareFinding.UNDECIDED


def test_only_value_has_no_finding() -> None:
    found = investigate(phones(100, 100, "A"))
    assert found.table(OriginDimension.BATCH).shares[0].finding is ShareFinding.UNDECIDED


def test_small_values_are_counted_together() -> None:
    """Four batches of four devices each are one row of sixteen."""
    found = investigate([*phones(4, 1, "A"), *phones(4, 1, "B"), *phones(4, 0, "C"), *phones(4, 2, "D")])
    table = found.table(OriginDimension.BATCH)
    assert (found.smallest, table.shares, table.folded) == (SMALLEST, (), 4)
    assert table.rest is not None
    assert (table.rest.activated, table.rest.prohibited) == (16, 4)


def test_small_values_together_have_no_finding() -> None:
    table = investigate([Origin(MONDAY, "CU", batch="only"), *phones(400, 0, "B")]).table(
        OriginDimension.BATCH
    )
    assert table.rest is not None
    assert table.rest.finding is ShareFinding.UNDECIDED


def test_week_begins_on_monday_in_utc() -> None:
    found = investigate([Origin(MONDAY - 1, "CU"), Origin(MONDAY, "CU"), Origin(MONDAY + 7 * DAY - 1, "IR")])
    assert [(week.begins, week.territories) for week in found.weeks] == [
        ("2021-08-30", {"CU": 1}),
        ("2021-09-06", {"CU": 1, "IR": 1}),
    ]


def test_smallest_below_one_is_rejected() -> None:
    with pytest.raises(ValueError, match="smallest is 0"):
        investigate([], smallest=0)
