"""Virtual time: one true time, and for each device a wall clock that its user can set."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from server_stub.clock import ClockReading

START: Final = int(datetime(2021, 9, 8, 12, tzinfo=UTC).timestamp())
"""The default start of a world: two days after the first locks of 2021 were reported."""


class World:
    """Virtual time, in seconds since the epoch; it advances only when `wait` is called."""

    def __init__(self, start: int = START) -> None:
        self._now = float(start)

    def now(self) -> int:
        """Whole seconds since the epoch; the verdict server's clock."""
        return int(self._now)

    def exact(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def wait(self, seconds: float) -> None:
        """Advance the time. Raises ValueError for negative seconds."""
        if seconds < 0:
            raise ValueError(f"cannot wait {seconds} s; give zero or more")
        self._now += seconds


@dataclass
class MachineClock:
    """The clocks of a server's machine; implements `server_stub.clock.ServerClock`.

    `ahead` is the error of its wall clock in seconds, negative if it is behind; it can be set while the server runs.
    """

    world: World
    ahead: int = 0

    def read(self) -> ClockReading:
        """Both clocks, read at one moment."""
        return ClockReading(self.world.exact() + self.ahead, self.world.exact())


@dataclass
class PhoneClock:
    """The clocks of a device; implements `agent.ports.Clock`. `offset` is the error of its wall clock in seconds."""

    world: World
    booted_at: float = 0.0
    offset: int = 0

    def __post_init__(self) -> None:
        self.reboot()

    def reboot(self) -> None:
        """Start the elapsed time at zero."""
        self.booted_at = self.world.exact()

    def set_wall(self, epoch: int) -> None:
        """Set the wall clock, as the user can."""
        self.offset = epoch - self.world.now()

    def wall(self) -> int:
        """Seconds since the epoch by the wall clock."""
        return self.world.now() + self.offset

    def elapsed(self) -> float:
        """Seconds since boot, including sleep."""
        return self.world.exact() - self.booted_at


class SkewedClock:
    """Returns the seconds since the epoch that `source` returns, plus the current offset.

    >>> clock = SkewedClock(lambda: 1000)
    >>> with clock.off_by(-10):
    ...     clock()
    990
    """

    def __init__(self, source: Callable[[], int]) -> None:
        self._source = source
        self._offset = 0

    def __call__(self) -> int:
        """Seconds since the epoch."""
        return self._source() + self._offset

    @contextmanager
    def off_by(self, seconds: int) -> Iterator[None]:
        """Be `seconds` ahead, or behind if negative, inside the block."""
        self._offset = seconds
        try:
            yield
        finally:
            self._offset = 0
