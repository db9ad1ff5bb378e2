"""Statistics on the origin of devices that were activated in prohibited territories.

The manufacturer asks which sale region, model, batch or distributor leaked. For each of their values this counts the
activated devices and those in a prohibited territory, with the rate and its Wilson score interval at 95 percent
(E. B. Wilson, 1927). A value has a finding only if its interval and that of all other devices do not overlap, both at a
level that is corrected for the number of rows of the table (Bonferroni): of a hundred batches some would differ by
chance. Values with fewer devices than `smallest` are counted together, so that no row is about one person. The input
has no pseudonyms.
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
"""The default number of devices that a value needs for its own row."""

CONFIDENCE: Final = 0.95


class OriginDimension(StrEnum):
    """The properties that describe where a device comes from."""

    SALE_REGION = "sale-region"
    MODEL = "model"
    BATCH = "batch"
    DISTRIBUTOR = "distributor"


class ShareFinding(StrEnum):
    """How a value compares with all other values."""

    ABOVE = "above"
    """A significantly higher rate of its devices was activated in prohibited territories."""
    BELOW = "below"
    UNDECIDED = "undecided"
    """The intervals overlap: there are too few devices."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One activated device. `prohibited` is the territory of its activation if that is a prohibited one.

    `activated_at` is in seconds since the epoch; values that are not recorded are None.
    """

    activated_at: int
    prohibited: str | None
    sale_region: str | None = None
    model: str | None = None
    batch: str | None = None
    distributor: str | None = None

    def value(self, dimension: OriginDimension) -> str | None:
        """The recorded value of this dimension."""
        value: str | None = getattr(self, dimension.name.lower())
        return value


@dataclass(frozen=True, slots=True)
class Interval:
    """The Wilson score interval of a share at 95 percent, between 0 and 1."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Share:
    """One value of a dimension.

    Of its `activated` devices, `prohibited` were activated in prohibited territories, at the rate `rate` with its
    `interval`. `of_all` is their share of all such devices. `finding` says whether the rate differs from that of all
    other values by more than chance.
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
    """The values of one dimension, those with the most devices in prohibited territories first.

    `known` of the `activated` devices have a value. `folded` values were too small for a row; `rest` counts their
    devices together, None if there are none.
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
    """The result. `territories` counts devices by the prohibited territory of their activation."""

    activated: int
    prohibited: int
    interval: Interval
    territories: dict[str, int]
    tables: tuple[OriginTable, ...]
    weeks: tuple[Week, ...]
    smallest: int

    def table(self, dimension: OriginDimension) -> OriginTable:
        """The table of this dimension."""
        return next(table for table in self.tables if table.dimension is dimension)


@dataclass(slots=True)
class _Tally:
    """Counts by value; memory grows with the values and not with the devices."""

    activated: Counter[str] = field(default_factory=Counter)
    prohibited: Counter[str] = field(default_factory=Counter)


def investigate(origins: Iterable[Origin], *, smallest: int = SMALLEST) -> Investigation:
    """The statistics of `origins`, counted in one pass. Raises ValueError for a `smallest` below 1.

    >>> found = investigate([Origin(0, "CU", batch="B1"), Origin(0, None, batch="B2")], smallest=1)
    >>> [(share.value, share.rate) for share in found.table(Dimension.BATCH).shares]
    [('B1', 1.0), ('B2', 0.0)]
    """
    if smallest < 1:
        raise ValueError(f"smallest is {smallest}; a row has at least 1 device")
    activated = 0
    tallies = {dimension: _Tally() for dimension in OriginDimension}
    territories: Counter[str] = Counter()
    weeks: dict[str, Counter[str]] = {}
    for origin in origins:
        activated += 1
        for dimension, tally in tallies.items():
            value = origin.value(dimension)
            if value is not None:
                tally.activated[value] += 1
                tally.prohibited[value] += bool(origin.prohibited)
        if origin.prohibited:
            territories[origin.prohibited] += 1
            day = datetime.fromtimestamp(origin.activated_at, UTC).date()
            monday = (day - timedelta(days=day.weekday())).isoformat()
            weeks.setdefault(monday, Counter())[origin.prohibited] += 1
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

    Without trials it is 0 to 1.

    >>> wilson(0, 10).low, round(wilson(0, 10).high, 3)
    (0.0, 0.278)
    """
    if trials == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / (2 * comparisons))
    rate, square = hits / trials, z * z
    middle = rate + square / (2 * trials)
    margin = z * sqrt((rate * (1 - rate) + square / (4 * trials)) / trials)
    scale = 1 + square / trials
    low = 0.0 if hits == 0 else (middle - margin) / scale
    high = 1.0 if hits == trials else (middle + margin) / scale
    return Interval(low, high)


@dataclass(frozen=True, slots=True)
class _Whole:
    activated: int
    prohibited: int
    smallest: int


def _table(dimension: OriginDimension, tally: _Tally, whole: _Whole) -> OriginTable:
    large = [value for value, devices in tally.activated.items() if devices >= whole.smallest]
    small = [value for value, devices in tally.activated.items() if devices < whole.smallest]
    known = _Whole(tally.activated.total(), tally.prohibited.total(), whole.smallest)
    shares = [
        _share(value, tally.activated[value], tally.prohibited[value], known, comparisons=len(large))
        for value in large
    ]
    rest = None
    if small:
        activated = sum(tally.activated[value] for value in small)
        prohibited = sum(tally.prohibited[value] for value in small)
        # Several values together have no finding.
        rest = replace(_share("others", activated, prohibited, known), finding=ShareFinding.UNDECIDED)
    return OriginTable(
        dimension=dimension,
        activated=whole.activated,
        known=known.activated,
        shares=tuple(sorted(shares, key=lambda share: (-share.prohibited, -share.rate, share.value))),
        folded=len(small),
        rest=rest,
    )


def _share(value: str, activated: int, prohibited: int, known: _Whole, *, comparisons: int = 1) -> Share:
    strict = wilson(prohibited, activated, comparisons=comparisons)
    others = wilson(known.prohibited - prohibited, known.activated - activated, comparisons=comparisons)
    finding = ShareFinding.UNDECIDED
    if strict.low > others.high:
        finding = ShareFinding.ABOVE
    elif strict.high < others.low:
        finding = ShareFinding.BELOW
    return Share(
        value=value,
        activated=activated,
        prohibited=prohibited,
        rate=prohibited / activated,
        interval=wilson(prohibited, activated),
        of_all=prohibited / known.prohibited if known.prohibited else 0.0,
        finding=finding,
    )


def _ordered(counts: Counter[str]) -> dict[str, int]:
    """Largest first, equal ones by name, so that the same devices give the same bytes."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
