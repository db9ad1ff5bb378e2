"""Virtual time: one truth, and for each phone a wall clock that its user can set."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

START: Final = int(datetime(2021, 9, 8, 12, tzinfo=UTC).timestamp())
"""When a world begins unless it says otherwise: two days after the first locks of 2021 were reported."""


class World:
    """What time it really is, in seconds since the epoch. It passes only when somebody waits."""

    def __init__(self, start: int = START) -> None:
        self._now = float(start)

    def now(self) -> int:
        """Whole seconds since the epoch; the verdict server's clock."""
        return int(self._now)

    def exact(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds} s")
        self._now += seconds


@dataclass
class PhoneClock:
    """A phone's clocks: `agent.ports.Clock` over a world. `offset` is how far its wall clock is off, in seconds."""

    world: World
    booted_at: float = 0.0
    offset: int = 0

    def __post_init__(self) -> None:
        self.reboot()

    def reboot(self) -> None:
        """Elapsed time begins anew."""
        self.booted_at = self.world.exact()

    def set_wall(self, epoch: int) -> None:
        """The user sets the clock, to 1970 or to 2100."""
        self.offset = epoch - self.world.now()

    def wall(self) -> int:
        """Seconds since the epoch as the phone believes."""
        return self.world.now() + self.offset

    def elapsed(self) -> float:
        """Seconds since boot, sleep included."""
        return self.world.exact() - self.booted_at
