"""The clock that a server of the lab is given, and that a fault can put wrong."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class ServerClock:
    """Tells what `truth` tells, seconds since the epoch, except while it is off.

    >>> clock = ServerClock(lambda: 1000)
    >>> with clock.off_by(-10):
    ...     clock()
    990
    """

    def __init__(self, truth: Callable[[], int]) -> None:
        self._truth = truth
        self._off = 0

    def __call__(self) -> int:
        """Seconds since the epoch."""
        return self._truth() + self._off

    @contextmanager
    def off_by(self, seconds: int) -> Iterator[None]:
        """Be `seconds` ahead, or behind if it is negative, while the block runs."""
        self._off = seconds
        try:
            yield
        finally:
            self._off = 0
