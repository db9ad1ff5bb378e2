"""Network faults with their schedules, and the scheduler that decides which request each of them affects.

The scheduler is the only one in the lab: transports in this process and the proxy on real sockets both ask it, once
for each request. It is pure except for its counters: the time, the request and the random numbers are arguments.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from server_stub.faults.catalogue import BUSY, IN_HANDSHAKE, NEEDS_EARLIER, FaultKind, Route


@dataclass(frozen=True, slots=True)
class FaultSchedule:
    """When a fault is injected: where every given condition holds. Without a condition, into every request.

    `route` and `devices` (None: all) select the requests that are eligible. `start` (included) and `end` (excluded)
    are seconds since the epoch on the world's clock. `nth` selects the n-th eligible request of a device, counted
    from `start`. `times` is the maximum number of injections. `probability` is drawn for each eligible request.
    Raises ValueError for a schedule that no request can match.

    >>> FaultSchedule(Route.VERDICTS, nth=2)  # doctest: +ELLIPSIS
    FaultSchedule(route=<Route.VERDICTS: 'verdicts'>, devices=None, nth=2, ...)
    """

    route: Route = Route.ALL
    devices: frozenset[str] | None = None
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
            raise ValueError(
                "a fault that ends before it starts is never injected; let end be later than start"
            )


EVERY_REQUEST: Final = FaultSchedule()


@dataclass(frozen=True, slots=True)
class NetworkFault:
    """One fault. Raises ValueError where `retry_after` or `seconds` does not go with the kind.

    `retry_after`, in seconds, is for 429 and 503. `seconds` is for a skewed clock; negative is behind.

    >>> NetworkFault(FaultKind.UNAVAILABLE, retry_after=120).kind.value
    'unavailable'
    """

    kind: FaultKind
    when: FaultSchedule = EVERY_REQUEST
    retry_after: int | None = None
    seconds: int | None = None

    def __post_init__(self) -> None:
        if self.retry_after is not None and (self.kind not in BUSY or self.retry_after < 0):
            raise ValueError("retry_after is for too-many-requests and unavailable, and not below 0")
        if (self.seconds is not None) != (self.kind is FaultKind.CLOCK_SKEW):
            raise ValueError("seconds is for clock-skew, which needs it")


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """A request that leaves a device at `at`, seconds since the epoch. `repeated`: the path was answered before."""

    device: str
    path: str
    at: float
    repeated: bool


@dataclass(slots=True, eq=False)
class _ActiveFault:
    """A fault, the number of eligible requests of each device, and the number of injections."""

    fault: NetworkFault
    eligible: Counter[str] = field(default_factory=Counter)
    injected: int = 0


class FaultScheduler:
    """Selects the fault for each request. Where several faults match one request, the first in the order is injected.

    `random_for` returns the generator that draws the probabilities for the requests of a device. With
    `replays_wait`, a fault that sends an earlier response is not eligible until there is one. With `in_turn`, a fault
    that was injected goes to the end of the order.
    """

    def __init__(
        self,
        faults: Iterable[NetworkFault],
        random_for: Callable[[str], Random],
        *,
        replays_wait: bool = True,
        in_turn: bool = False,
    ) -> None:
        self._active = [_ActiveFault(fault) for fault in faults]
        self._random_for = random_for
        self._replays_wait = replays_wait
        self._in_turn = in_turn

    def add(self, fault: NetworkFault) -> None:
        """Schedule one more fault, after all others."""
        self._active.append(_ActiveFault(fault))

    def clear_faults(self, kind: FaultKind | None = None) -> None:
        """Remove the faults of `kind`, or all."""
        self._active = [active for active in self._active if kind not in (None, active.fault.kind)]

    def fault_for(self, request: OutgoingRequest) -> NetworkFault | None:
        """The fault to inject into a request, or None. Each call counts as one request."""
        eligible = [active for active in self._active if self._is_eligible(active.fault, request)]
        for active in eligible:  # each fault counts the request, also those that are not injected
            active.eligible[request.device] += 1
        selected = next((active for active in eligible if self._is_due(active, request.device)), None)
        if selected is None:
            return None
        selected.injected += 1
        if self._in_turn:
            self._active.remove(selected)
            self._active.append(selected)
        return selected.fault

    def fault_at_connect(self, device: str, at: float) -> NetworkFault | None:
        """The fault for a connection of which no request is known yet, if the first one left is of the handshake."""
        left = (each.fault for each in self._active if each.injected != each.fault.when.times)
        first = next(left, None)
        if first is None or first.kind not in IN_HANDSHAKE:
            return None
        return self.fault_for(OutgoingRequest(device, "/", at, repeated=False))

    def _is_eligible(self, fault: NetworkFault, request: OutgoingRequest) -> bool:
        when = fault.when
        return (
            when.route.matches(request.path)
            and (when.devices is None or request.device in when.devices)
            and (when.start is None or when.start <= request.at)
            and (when.end is None or request.at < when.end)
            and (request.repeated or not self._replays_wait or fault.kind not in NEEDS_EARLIER)
        )

    def _is_due(self, active: _ActiveFault, device: str) -> bool:
        """Draws a random number only where every other condition holds."""
        when = active.fault.when
        return (
            when.nth in (None, active.eligible[device])
            and (when.times is None or active.injected < when.times)
            and (when.probability is None or self._random_for(device).random() < when.probability)
        )
