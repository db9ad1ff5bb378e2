"""A server clock that a fault can set wrong."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
