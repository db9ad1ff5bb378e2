"""Clock and randomness of the operating system."""

import time
from random import SystemRandom


class SystemClock:
    """Wall clock and time since boot, including sleep if the system counts it (`CLOCK_BOOTTIME`)."""

    def wall(self) -> int:
        """Seconds since the epoch."""
        return int(time.time())

    def elapsed(self) -> float:
        """Seconds since boot."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SystemEntropy:
    """Random fractions for jitter."""

    def __init__(self) -> None:
        self._random = SystemRandom()

    def fraction(self) -> float:
        """Uniform in [0, 1)."""
        return self._random.random()
