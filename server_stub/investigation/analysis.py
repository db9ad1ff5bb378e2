"""Where the phones came from that were activated in prohibited territories: counts, shares, and how sure they are.

The vendor asks which sale region, model, batch or distributor leaked. For each of their values this gives how many of
its phones were activated, how many of these in a prohibited territory, the share that is, and an interval around the
share: the Wilson score interval at 95 percent (E. B. Wilson, 1927). A finding names a value only where its interval
and that of all other phones do not meet, both at a level that allows for as many comparisons as the table has rows
(Bonferroni): of a hundred batches some would stand out by chance. Values with fewer phones than `smallest` are
counted together, so that no value's row is one person's phone. No pseudonym enters, and none can leave.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import sqrt
from statistics import NormalDist
from typing import Final

SMALLEST: Final = 5
"""Phones below which a value has no row of its own."""

CONFIDENCE: Final = 0.95


class OriginDimension(StrEnum):
    """What a phone's way into the world is described by."""

    SALE_REGION = "sale-region"
    MODEL = "model"
    BATCH = "batch"
    DISTRIBUTOR = "distributor"


class ShareFinding(StrEnum):
    """What the numbers say of one value against all the others."""

    ABOVE = "above"
    """More of its phones went to prohibited territories than of the rest, beyond chance."""
    BELOW = "below"
    UNDECIDED = "undecided"
    """The intervals meet: no telling from this many phones."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One activated phone. `prohibited` is the territory of its activation if that is a prohibited one.

    `activated_at` is in seconds since the epoch; what nobody recorded is None.
    """

    activated_at: int
    prohibited: str | None
    sale_region: str | None = None
    model: str | None = None
    batch: str | None = None
    distributor: str | None = None

    def value(self, dimension: OriginDimension) -> str | None:
        """What is recorded of that dimension."""
        return {
            OriginDimension.SALE_REGION: self.sale_region,
            OriginDimension.MODEL: self.model,
            OriginDimension.BATCH: self.batch,
            OriginDimension.DISTRIBUTOR: self.distributor,
        }[dimension]


@dataclass(frozen=True, slots=True)
class Interval:
    """Between 0 and 1."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Share:
    """One value of a dimension.

    Of its `activated` phones `prohibited` went to prohibited territories: the rate `rate`, surely within `interval`.
    `of_all` is its part of all phones that did.
    """

    value: str
    activated: int
    prohibited: int
    rate: float
    interval: Interval
    of_all: float
    finding: ShareFinding


@dataclass(frozen=True, slots=True)
class OriginTable:
    """The values of one dimension, those with the most phones in prohibited territories first.

    `known` of the `activated` phones have a value at all. `folded` values were too small for a row; `rest` are their
    phones together, None where there are none.
    """

    dimension: OriginDimension
    activated: int
    known: int
    shares: tuple[Share, ...]
    folded: int
    rest: Share | None


@dataclass(frozen=True, slots=True)
class Week:
    """Activations in prohibited territories in the seven days from Monday `begins`, ISO 8601, UTC."""

    begins: str
    territories: dict[str, int]


@dataclass(frozen=True, slots=True)
class Investigation:
    """The answer. `territories` counts phones by the prohibited territory of their activation."""

    activated: int
    prohibited: int
    interval: Interval
    territories: dict[str, int]
    tables: tuple[OriginTable, ...]
    weeks: tuple[Week, ...]
    smallest: int

    def table(self, dimension: OriginDimension) -> OriginTable:
        """The table of that dimension."""
        return next(table for table in self.tables if table.dimension is dimension)


@dataclass(slots=True)
class _Tally:
    """Counts by value; memory grows with the values and not with the phones."""

    activated: Counter[str] = field(default_factory=Counter)
    prohibited: Counter[str] = field(default_factory=Counter)


def investigate(origins: Iterable[Origin], *, smallest: int = SMALLEST) -> Investigation:
    """Count `origins` in one pass. Raises ValueError for a `smallest` below 1.

    >>> found = investigate([Origin(0, "CU", batch="B1"), Origin(0, None, batch="B2")], smallest=1)
    >>> [(share.value, share.rate) for share in found.table(Dimension.BATCH).shares]
    [('B1', 1.0), ('B2', 0.0)]
    """
    if smallest < 1:
        raise ValueError(f"smallest is {smallest}; a row has at least 1 phone")
    activated = 0
    tallies = {dimension: _Tally() for dimension in OriginDimension}
    territories: Counter[str] = Counter()
    weeks: dict[str, Counter[str]] = {}
    for origin in origins:
        activated += 1
        for dimension, tally in tallies.items():
            _count(tally, origin, dimension)
        if origin.prohibited:
            territories[origin.prohibited] += 1
            weeks.setdefault(_monday(origin.activated_at), Counter())[origin.prohibited] += 1
    whole = _Whole(activated, territories.total(), smallest)
    return Investigation(
        activated=activated,
        prohibited=whole.prohibited,
        interval=wilson(whole.prohibited, activated),
        territories=_ordered(territories),
        tables=tuple(_table(dimension, tally, whole) for dimension, tally in tallies.items()),
        weeks=tuple(Week(monday, _ordered(weeks[monday])) for monday in sorted(weeks)),
        smallest=smallest,
    )


def wilson(hits: int, trials: int, *, comparisons: int = 1) -> Interval:
    """The Wilson score interval for `hits` of `trials`, such that all of `comparisons` hold at 95 percent.

    Everything is possible where nothing was tried.

    >>> wilson(0, 10).low, round(wilson(0, 10).high, 3)
    (0.0, 0.278)
    """
    if trials == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / (2 * comparisons))
    rate, square = hits / trials, z * z
    middle = rate + square / (2 * trials)
    reach = z * sqrt((rate * (1 - rate) + square / (4 * trials)) / trials)
    scale = 1 + square / trials
    low = 0.0 if hits == 0 else (middle - reach) / scale
    high = 1.0 if hits == trials else (middle + reach) / scale
    return Interval(low, high)


@dataclass(frozen=True, slots=True)
class _Whole:
    activated: int
    prohibited: int
    smallest: int


def _count(tally: _Tally, origin: Origin, dimension: OriginDimension) -> None:
    value = origin.value(dimension)
    if value is None:
        return
    tally.activated[value] += 1
    if origin.prohibited:
        tally.prohibited[value] += 1


def _table(dimension: OriginDimension, tally: _Tally, whole: _Whole) -> OriginTable:
    large = [value for value, phones in tally.activated.items() if phones >= whole.smallest]
    small = [value for value in tally.activated if tally.activated[value] < whole.smallest]
    known = _Whole(tally.activated.total(), tally.prohibited.total(), whole.smallest)
    shares = [
        _share(value, tally.activated[value], tally.prohibited[value], known, comparisons=len(large))
        for value in large
    ]
    return OriginTable(
        dimension=dimension,
        activated=whole.activated,
        known=known.activated,
        shares=tuple(sorted(shares, key=lambda share: (-share.prohibited, -share.rate, share.value))),
        folded=len(small),
        rest=_together(small, tally, known) if small else None,
    )


def _together(small: list[str], tally: _Tally, known: _Whole) -> Share:
    """What is too small for a row of its own. It is no value, so nothing is found of it."""
    activated = sum(tally.activated[value] for value in small)
    prohibited = sum(tally.prohibited[value] for value in small)
    return replace(_share("others", activated, prohibited, known), finding=ShareFinding.UNDECIDED)


def _share(value: str, activated: int, prohibited: int, known: _Whole, *, comparisons: int = 1) -> Share:
    strict = wilson(prohibited, activated, comparisons=comparisons)
    others = wilson(known.prohibited - prohibited, known.activated - activated, comparisons=comparisons)
    return Share(
        value=value,
        activated=activated,
        prohibited=prohibited,
        rate=prohibited / activated,
        interval=wilson(prohibited, activated),
        of_all=prohibited / known.prohibited if known.prohibited else 0.0,
        finding=_finding(strict, others),
    )


def _finding(interval: Interval, others: Interval) -> ShareFinding:
    if interval.low > others.high:
        return ShareFinding.ABOVE
    return ShareFinding.BELOW if interval.high < others.low else ShareFinding.UNDECIDED


def _monday(at: int) -> str:
    day = datetime.fromtimestamp(at, UTC).date()
    return (day - timedelta(days=day.weekday())).isoformat()


def _ordered(counts: Counter[str]) -> dict[str, int]:
    """Most first; equal ones by name, so that the same phones give the same bytes."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
