"""The server's clock, and the guard that stops signing and publishing while it is wrong.

Devices learn the time from what the server signs, so a wrong clock must not be signed. `GuardedClock` compares the wall
clock with the time since boot, which nothing can set, and with the newest record and publication. Time that passed
while no server ran is no fault.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from wire.limits import SKEW

EARLIEST: Final = 31_536_000
"""1971-01-01T00:00:00Z, a year after the first time that can be signed: what is signed refers to earlier times too."""
LATEST: Final = 253_370_764_799
"""9998-12-31T23:59:59Z, a year before the last time that can be signed: what is signed expires later."""

RETRY_AFTER: Final = 60
"""Seconds after which a device may ask again while the clock is wrong: an operator must act."""


class ClockFault(StrEnum):
    """Why nothing is signed. Stable codes."""

    STEPPED = "clock-stepped"
    """The wall clock and the time since boot moved apart by more than SKEW since the start or the last acceptance."""
    BEHIND = "clock-behind"
    """The wall clock is earlier than the newest record or publication by more than SKEW."""
    OUT_OF_RANGE = "clock-out-of-range"
    """The wall clock is not in the years 1971 to 9998. Cannot be accepted."""

    @property
    def advice(self) -> str:
        """What an operator does."""
        if self is ClockFault.OUT_OF_RANGE:
            return "correct the server's clock; only the years 1971 to 9998 can be accepted"
        return "correct the server's clock, or accept it: activation admin clock accept"


class ClockError(Exception):
    """The clock is wrong, so there is no time to sign."""

    def __init__(self, fault: ClockFault) -> None:
        super().__init__(f"{fault}: {fault.advice}")
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


@dataclass(frozen=True, slots=True)
class ClockEvidence:
    """What a store shows of the time: when the newest record or publication is from, 0 if there is none.

    `behind` says that a process found its clock behind, and that this clock was not accepted since. `number` is how
    often a clock was accepted.
    """

    newest: int = 0
    behind: bool = False
    number: int = 0


_NO_EVIDENCE: Final = ClockEvidence()


class GuardedClock:
    """Returns seconds since the epoch, and raises ClockError instead while the clock is wrong.

    `evidence` is what the store shows, `newer` reads it again, if it can. A clock that was stepped and is right again
    needs no acceptance: nothing wrong was signed. One that was behind needs it, also after the time of that record has
    come. A wrong clock notices an acceptance on another process, and then begins as after a restart of this one.
    """

    def __init__(
        self,
        clock: ServerClock,
        evidence: ClockEvidence = _NO_EVIDENCE,
        newer: Callable[[], ClockEvidence | None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._newer = newer
        self._begin(evidence)

    def _begin(self, evidence: ClockEvidence) -> None:
        self._start = self._clock.read()
        self._newest, self._behind, self._number = evidence.newest, evidence.behind, evidence.number
        self._stepped_behind = False

    def __call__(self) -> int:
        """Seconds since the epoch, to be signed or published. Raises ClockError."""
        now = self._clock.read()
        if self._judge(now):
            if fault := self.fault:  # unless it was accepted elsewhere
                raise ClockError(fault)
            now = self._clock.read()
        self._newest = max(self._newest, int(now.wall))
        return int(now.wall)

    @property
    def fault(self) -> ClockFault | None:
        """What is wrong with the clock now."""
        fault = self._judge(self._clock.read())
        if fault and (found := self._newer()) and found.number > self._number:
            self._begin(found)
            fault = self._judge(self._clock.read())
        return fault

    @property
    def behind(self) -> bool:
        """Whether the clock is, or was, before the newest record or publication, since it was right or accepted."""
        _ = self.fault
        return self._behind or self._stepped_behind

    def unchecked(self) -> int:
        """Seconds since the epoch for what an operator does, whatever the clock is.

        After a step it goes on by the time since boot: no record has a time that may turn out to be wrong. Of a clock
        out of range, the nearest time in range.
        """
        now = self._clock.read()
        wall = now.wall - self._step(now) if self._stepped(now) else now.wall
        return int(min(max(wall, EARLIEST), LATEST))

    def acceptable(self) -> int:
        """Seconds since the epoch by the wall clock, right or wrong. Raises ClockError if it is out of range."""
        return int(_in_range(self._clock.read()).wall)

    def accept(self, number: int = 0) -> None:
        """Take the clock as it is now for right, as acceptance `number`. Raises ClockError if it is out of range."""
        newest = int(_in_range(self._clock.read()).wall)
        self._begin(ClockEvidence(newest, number=max(number, self._number)))

    def _judge(self, now: ClockReading) -> ClockFault | None:
        if not EARLIEST <= now.wall <= LATEST:
            return ClockFault.OUT_OF_RANGE
        behind = now.wall < self._newest - SKEW
        if self._stepped(now):
            self._stepped_behind = self._stepped_behind or behind
            return ClockFault.STEPPED
        self._stepped_behind = False
        # A time that was signed too early stays wrong when it has come: devices have it as their floor.
        self._behind = self._behind or behind
        return ClockFault.BEHIND if self._behind else None

    def _stepped(self, now: ClockReading) -> bool:
        return abs(self._step(now)) > SKEW

    def _step(self, now: ClockReading) -> float:
        return (now.wall - self._start.wall) - (now.elapsed - self._start.elapsed)


def _in_range(now: ClockReading) -> ClockReading:
    if not EARLIEST <= now.wall <= LATEST:
        raise ClockError(ClockFault.OUT_OF_RANGE)
    return now
