"""The clocks of the machine that the agent runs on."""

import time


class SystemClock:
    """Wall clock and time since boot. Where the system counts sleep (`CLOCK_BOOTTIME`), it is counted."""

    def wall(self) -> int:
        """Seconds since the epoch."""
        return int(time.time())

    def elapsed(self) -> float:
        """Seconds since boot."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
