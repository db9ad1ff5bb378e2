"""What goes wrong and when: faults with their schedules, and who decides under a seed which request is hit.

Pure but for the counts that it keeps: time and the request are arguments, and every draw follows from the seed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from lab.fault_proxy.faults import BUSY, FROM_MEMORY, FaultKind, Route
from lab.world.seed import Seed


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a fault strikes. Every condition that is given must hold; without any it strikes every time.

    `route` and `phones` (None: all) say which requests it can hit. `start` and `end` are seconds since the epoch on
    the world's clock; `end` is over. `nth` hits the n-th of a phone's requests that it could have hit, counted from
    `start`, and no other. `times` is how often it strikes at most. `probability` is drawn for each such request.

    >>> Schedule(Route.VERDICTS, nth=2)  # doctest: +ELLIPSIS
    Schedule(route=<Route.VERDICTS: 'verdicts'>, phones=None, nth=2, ...)
    """

    route: Route = Route.ALL
    phones: frozenset[str] | None = None
    nth: int | None = None
    times: int | None = None
    probability: float | None = None
    start: float | None = None
    end: float | None = None

    def __post_init__(self) -> None:
        if any(number is not None and number < 1 for number in (self.nth, self.times)):
            raise ValueError("nth and times count from 1")
        if self.probability is not None and not 0 < self.probability <= 1:
            raise ValueError(f"a probability is above 0 and at most 1, not {self.probability}")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError("a fault that ends before it starts never strikes; let end be later than start")


EVERY_TIME: Final = Schedule()


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `retry_after`, in seconds, is for 429 and 503; `seconds`, negative for behind, for a skewed clock.

    >>> Fault(FaultKind.UNAVAILABLE, retry_after=120).kind.value
    'unavailable'
    """

    kind: FaultKind
    when: Schedule = EVERY_TIME
    retry_after: int | None = None
    seconds: int = 0

    def __post_init__(self) -> None:
        if self.retry_after is not None and (self.kind not in BUSY or self.retry_after < 0):
            raise ValueError("retry_after is for too-many-requests and unavailable, and not below 0")
        if (self.seconds != 0) != (self.kind is FaultKind.CLOCK_SKEW):
            raise ValueError("seconds is for clock-skew, which needs it")


@dataclass(slots=True)
class _Armed:
    """A fault with what it has seen and done. Each phone has draws of its own, so that no phone moves another's."""

    fault: Fault
    seed: Seed
    seen: Counter[str] = field(default_factory=Counter)
    struck: int = 0
    draws: dict[str, Random] = field(default_factory=dict)

    def would_strike(self, phone: str) -> bool:
        """Count a request that can be hit, and tell whether it is to be."""
        when = self.fault.when
        self.seen[phone] += 1
        chosen = when.nth in (None, self.seen[phone])
        if when.probability is not None:
            draw = self.draws.setdefault(phone, self.seed.random(f"draws for {phone}"))
            chosen = draw.random() < when.probability and chosen
        return chosen and (when.times is None or self.struck < when.times)


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """A request that leaves a phone. `at` is seconds since the epoch; `again`: this path has been answered before."""

    phone: str
    path: str
    at: float
    again: bool


class FaultScheduler:
    """Decides what befalls each request. Where several faults want the same one, the first in the order has it."""

    def __init__(self, faults: Iterable[Fault], seed: Seed) -> None:
        self._seed = seed
        self._made = 0
        self._armed: list[_Armed] = []
        for fault in faults:
            self.add(fault)

    def __iter__(self) -> Iterator[Fault]:
        return iter([armed.fault for armed in self._armed])

    def add(self, fault: Fault) -> None:
        """Let one more fault happen, after all others."""
        self._made += 1
        self._armed.append(_Armed(fault, self._seed.child(f"fault {self._made}")))

    def clear_faults(self, kind: FaultKind | None = None) -> None:
        """Let faults of `kind`, or all, happen no more."""
        self._armed = [armed for armed in self._armed if kind not in (None, armed.fault.kind)]

    def fault_for(self, asked: OutgoingRequest) -> Fault | None:
        """What befalls a request."""
        wanting = [
            armed for armed in self._armed if _can_hit(armed.fault, asked) and armed.would_strike(asked.phone)
        ]
        if not wanting:
            return None
        wanting[0].struck += 1
        return wanting[0].fault


def _can_hit(fault: Fault, asked: OutgoingRequest) -> bool:
    when = fault.when
    if fault.kind in FROM_MEMORY and not asked.again:
        return False
    begun = when.start is None or when.start <= asked.at
    over = when.end is not None and when.end <= asked.at
    meant = when.phones is None or asked.phone in when.phones
    return when.route.holds(asked.path) and meant and begun and not over
