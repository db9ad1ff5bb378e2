"""Who watches one judgement for the application: how long its steps take, and whether the phone may ask so often."""

from collections.abc import Callable

from server_stub.api.limits.rates import RateLimit
from server_stub.api.limits.settings import ServerLimits
from server_stub.api.metrics import Limit, Metrics
from server_stub.verdicts.observer import RateExceededError, Step


class ObserverFactory:
    """Makes an attendant for each judgement. `clock` is in seconds and never goes back."""

    def __init__(self, manners: ServerLimits, metrics: Metrics, clock: Callable[[], float]) -> None:
        rate = manners.rate_per_device
        self._rate = RateLimit(rate, clock, manners.rate_memory) if rate else None
        self._metrics = metrics
        self._clock = clock

    def new(self) -> "RequestObserver":
        """For a judgement that begins now."""
        return RequestObserver(self._clock, self._rate, self._metrics)


class RequestObserver:
    """Implements `server_stub.verdicts.observer.RequestObserver`."""

    __slots__ = ("_clock", "_last", "_metrics", "_rate", "_spent")

    def __init__(self, clock: Callable[[], float], rate: RateLimit | None, metrics: Metrics) -> None:
        self._clock = clock
        self._rate = rate
        self._metrics = metrics
        self._spent: dict[Step, float] = {}
        self._last = clock()

    def record_step(self, step: Step) -> None:
        """Since the last lap, or the beginning, it was `step`."""
        now = self._clock()
        self._spent[step] = self._spent.get(step, 0.0) + now - self._last
        self._last = now

    def check_rate(self, sub: str) -> None:
        """Count a request of this phone. Raises RateExceededError."""
        wait = self._rate.refuses(sub) if self._rate else None
        if wait is not None:
            self._metrics.limited(Limit.DEVICE)
            raise RateExceededError(wait)

    def done(self) -> None:
        """Show the steps that were taken, all or up to where it failed."""
        self._metrics.steps(self._spent)
