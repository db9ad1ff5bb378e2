"""What the counts of an investigation mean, and what they must not tell."""

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
def test_every_phone_with_a_value_is_in_exactly_one_row(given_origins: list[Origin], smallest: int) -> None:
    """Folding small values together loses nobody and counts nobody twice."""
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
def test_the_order_of_the_phones_does_not_matter(given_origins: list[Origin], random: object) -> None:
    """The same phones give the same bytes, whatever order the database answers in."""
    shuffled = list(given_origins)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert repr(investigate(shuffled)) == repr(investigate(given_origins))


@given(st.lists(origins), st.integers(1, 8))
def test_no_row_stands_for_fewer_phones_than_was_asked(given_origins: list[Origin], smallest: int) -> None:
    """A row of one phone is a person's phone."""
    found = investigate(given_origins, smallest=smallest)
    for dimension in OriginDimension:
        assert all(share.activated >= smallest for share in found.table(dimension).shares)


@given(st.lists(origins))
def test_weeks_and_territories_count_the_same_phones(given_origins: list[Origin]) -> None:
    """Over time or by place, it is the same question."""
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
def test_the_interval_is_wilsons(hits: int, trials: int, low: float, high: float) -> None:
    """Figures that other implementations of the Wilson score interval give, the last from R. G. Newcombe, 1998."""
    interval = wilson(hits, trials)
    assert (interval.low, interval.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_interval_holds_the_rate_and_stays_within_nothing_and_all(hits: int, misses: int) -> None:
    """And more phones never make it less sure."""
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
def test_a_finding_needs_more_than_chance(leaking: list[Origin], finding: ShareFinding) -> None:
    """Three of six beside a hundred of four hundred is no finding; thirty of forty is."""
    found = investigate(leaking + phones(400, 100, "B"))
    share = next(share for share in found.table(OriginDimension.BATCH).shares if share.value == "A")
    assert share.finding is finding


def test_of_many_batches_none_stands_out_by_chance_alone() -> None:
    """A batch that would be a finding beside one other is none among a hundred."""
    pair = [*phones(50, 12, "odd"), *phones(4950, 495, "B")]
    many = [*phones(50, 12, "odd"), *(each for n in range(99) for each in phones(50, 5, f"B{n}"))]

    def finding(origins_given: list[Origin]) -> ShareFinding:
        shares = investigate(origins_given).table(OriginDimension.BATCH).shares
        return next(share.finding for share in shares if share.value == "odd")

    assert finding(pair) is ShareFinding.ABOVE
    assert finding(many) is ShareFinding.UNDECIDED


def test_the_only_value_is_never_a_finding() -> None:
    """There is nothing to compare it with."""
    found = investigate(phones(100, 100, "A"))
    assert found.table(OriginDimension.BATCH).shares[0].finding is ShareFinding.UNDECIDED


def test_small_values_are_told_together() -> None:
    """Four batches of four phones each are one row of sixteen."""
    found = investigate([*phones(4, 1, "A"), *phones(4, 1, "B"), *phones(4, 0, "C"), *phones(4, 2, "D")])
    table = found.table(OriginDimension.BATCH)
    assert (found.smallest, table.shares, table.folded) == (SMALLEST, (), 4)
    assert table.rest is not None
    assert (table.rest.activated, table.rest.prohibited) == (16, 4)


def test_what_is_told_together_is_never_a_finding() -> None:
    """It is no value that anybody could be asked about, and it may be a single phone."""
    table = investigate([Origin(MONDAY, "CU", batch="only"), *phones(400, 0, "B")]).table(
        OriginDimension.BATCH
    )
    assert table.rest is not None
    assert table.rest.finding is ShareFinding.UNDECIDED


def test_a_week_begins_on_monday_in_utc() -> None:
    """Sunday's last second still belongs to the week before."""
    found = investigate([Origin(MONDAY - 1, "CU"), Origin(MONDAY, "CU"), Origin(MONDAY + 7 * DAY - 1, "IR")])
    assert [(week.begins, week.territories) for week in found.weeks] == [
        ("2021-08-30", {"CU": 1}),
        ("2021-09-06", {"CU": 1, "IR": 1}),
    ]


def test_a_row_of_no_phone_cannot_be_asked_for() -> None:
    """Zero would divide by itself."""
    with pytest.raises(ValueError, match="smallest is 0"):
        investigate([], smallest=0)
