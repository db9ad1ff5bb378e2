"""The server's clock, and the guard that stops signing and publishing while it is wrong.

Devices learn the time from what the server signs, so a wrong clock must not be signed. `GuardedClock` compares the wall
clock with the time since boot, which nothing can set, and with the newest record and publication. Time that passed
while no server ran is no fault.
"""

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from wire.limits import SKEW

RETRY_AFTER: Final = 60
"""Seconds after which a device may ask again while the clock is wrong: an operator must act."""


class ClockFault(StrEnum):
    """Why nothing is signed. Stable codes."""

    STEPPED = "clock-stepped"
    """The wall clock and the time since boot moved apart by more than SKEW since the start or the last acceptance."""
    BEHIND = "clock-behind"
    """The wall clock is earlier than the newest record or publication by more than SKEW."""


class ClockError(Exception):
    """The clock is wrong, so there is no time to sign."""

    def __init__(self, fault: ClockFault) -> None:
        super().__init__(f"{fault}: correct the server's clock, or accept it: activation admin clock accept")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Both clocks at one moment: `wall` in seconds since the epoch, `elapsed` in seconds since boot, sleep included."""

    wall: float
    elapsed: float


class ServerClock(Protocol):
    """A source of time. Nothing in the server that signs, records or publishes reads another one.

    A test clock wraps another source and adds the same seconds to `wall` and `elapsed`: time has then passed, and no
    step is seen. The seconds only grow, and are kept with the records, so that a restart sees no time before the newest
    record. One call returns both numbers, so that the seconds cannot change between them.
    """

    def read(self) -> ClockReading:
        """Both clocks, read at one moment."""


class HostClock:
    """Implements `ServerClock` by the clocks of the machine. Linux counts sleep; other systems may not."""

    _BOOT: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

    def read(self) -> ClockReading:
        """Both clocks, read at one moment."""
        return ClockReading(time.time(), time.clock_gettime(self._BOOT))


class GuardedClock:
    """Returns seconds since the epoch, and raises ClockError instead while the clock is wrong.

    `newest` is the time of the newest record or publication, if there is any. A clock that was
    stepped and is right again needs no acceptance: nothing wrong was signed. One that was behind needs it, also after
    the time of that record has come.
    """

    def __init__(self, clock: ServerClock, newest: int | None = None) -> None:
        self._clock = clock
        self._start = clock.read()
        self._newest = newest or 0
        self._behind = False

    def __call__(self) -> int:
        """Seconds since the epoch, to be signed or published. Raises ClockError."""
        now = self._clock.read()
        if fault := self._judge(now):
            raise ClockError(fault)
        self._newest = max(self._newest, int(now.wall))
        return int(now.wall)

    @property
    def fault(self) -> ClockFault | None:
        """What is wrong with the clock now."""
        return self._judge(self._clock.read())

    def unchecked(self) -> int:
        """Seconds since the epoch for what an operator does, whatever the clock is.

        After a step it goes on by the time since boot: no record has a time that may turn out to be wrong.
        """
        now = self._clock.read()
        return int(now.wall - self._step(now) if self._stepped(now) else now.wall)

    def wall(self) -> int:
        """Seconds since the epoch by the wall clock, right or wrong."""
        return int(self._clock.read().wall)

    def accept(self) -> None:
        """Take the clock as it is now for right."""
        self._start = self._clock.read()
        self._newest = int(self._start.wall)
        self._behind = False

    def _judge(self, now: ClockReading) -> ClockFault | None:
        if self._stepped(now):
            return ClockFault.STEPPED
        # A time that was signed too early stays wrong when it has come: devices have it as their floor.
        self._behind = self._behind or now.wall < self._newest - SKEW
        return ClockFault.BEHIND if self._behind else None

    def _stepped(self, now: ClockReading) -> bool:
        return abs(self._step(now)) > SKEW

    def _step(self, now: ClockReading) -> float:
        return (now.wall - self._start.wall) - (now.elapsed - self._start.elapsed)
