"""The division of a set of scenarios into shards: each scenario is in exactly one, the same on every host.

Scenarios are taken from the longest to the shortest, and each goes to the shard with the least work so far (longest
processing time first; R. L. Graham, "Bounds on Multiprocessing Timing Anomalies", 1969: the slowest shard takes at most
4/3 - 1/(3 N) of the optimum). Without durations all count the same, so the sizes differ by at most one.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heapreplace
from statistics import median_low
from typing import Any, Final

from text_input.printable import shortened

COUNT_MAX: Final = 1000
"""Most shards of a run: a merge opens all of their files together."""
_SECONDS_MAX: Final = 10.0**9


CaseName = tuple[str, str]
"""The id of a scenario, and its file by the path from the root of the run."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` parts of a run; `number` is from 1."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def parse_shard(text: str) -> Shard:
    """The shard that `text` names, such as `2/7`. Raises ValueError with the correction."""
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if found is None:
        raise ValueError("is not a number, a slash and a count, such as 2/7 for the second of seven shards")
    number, count = int(found[1]), int(found[2])
    if not 1 <= count <= COUNT_MAX:
        raise ValueError(f"has {count} shards; give 1 to {COUNT_MAX}")
    if not 1 <= number <= count:
        raise ValueError(f"has no shard {number}; the first is 1/{count}, the last {count}/{count}")
    return Shard(number, count)


@dataclass(frozen=True, slots=True)
class Durations:
    """How long scenarios took in an earlier run: microseconds by id. `digest` is the SHA-256 of the file."""

    microseconds: Mapping[str, int] = field(default_factory=dict)
    digest: str | None = None

    @property
    def median(self) -> int:
        """The duration of a scenario that is new."""
        return median_low(self.microseconds.values()) if self.microseconds else 1


def durations(content: bytes) -> Durations:
    """The durations in a `timings.json`, or in an object with seconds by id. Raises ValueError with the correction."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    rows = found.get("scenarios") if isinstance(found, dict) else None
    if isinstance(rows, list) and all(
        isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows
    ):
        found = {row["id"]: row.get("seconds") for row in rows}
    if not isinstance(found, dict):
        message = "is not a JSON object with seconds by scenario"
        raise ValueError(message)  # noqa: TRY004 - not a type error of a caller
    times = {key: _microseconds(key, value) for key, value in found.items()}
    return Durations(times, hashlib.sha256(content).hexdigest())


def _microseconds(key: str, value: Any) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _SECONDS_MAX:
        return max(1, round(value * 1e6))
    raise ValueError(f"has for {key!r} the value {shortened(repr(value))} instead of seconds")


def divide(names: Iterable[CaseName], count: int, known: Durations) -> dict[CaseName, int]:
    """The number of the shard of each scenario, from 1. The order of `names` has no influence."""
    new = known.median
    costs = {name: known.microseconds.get(name[0], new) for name in names}
    loads = [(0, number) for number in range(1, count + 1)]
    heapify(loads)
    found: dict[CaseName, int] = {}
    for name in sorted(costs, key=lambda each: (-costs[each], each)):
        load, number = loads[0]
        heapreplace(loads, (load + costs[name], number))
        found[name] = number
    return found


@dataclass(frozen=True, slots=True)
class ShardPart(Shard):
    """The part of a run that a shard has: `positions` of its scenarios among all `scenarios` of the run, from 0.

    `digest` is the SHA-256 of the names of all scenarios in their order, `durations` that of the file of durations.
    """

    scenarios: int
    digest: str
    durations: str | None
    positions: tuple[int, ...]


def part(shard: Shard, known: Durations, names: Sequence[CaseName]) -> ShardPart:
    """What `shard` has of the scenarios with these names, in the order of a run."""
    numbers = divide(names, shard.count, known)
    positions = tuple(at for at, name in enumerate(names) if numbers[name] == shard.number)
    digest = hashlib.sha256(json.dumps(names).encode()).hexdigest()
    return ShardPart(shard.number, shard.count, len(names), digest, known.digest, positions)
