"""A listening socket that several processes share, each with about as many open connections as the others.

The kernel wakes all processes for a new connection, and the first one gets it, which is often the same one. So a
process that has more connections than another one leaves the next connection to the others, for a short time.
"""

import socket
import time
from collections.abc import MutableSequence
from typing import Any, Final

ABSENT: Final = 2**31 - 1
"""The number of connections of a process that accepts none."""

_PATIENCE_SECONDS: Final = 0.05
_PAUSE_SECONDS: Final = 0.0002


class SharedListener(socket.socket):
    """`counts` has the number of open connections of each process, this one at `number`. Takes over `listener`."""

    def __init__(self, listener: socket.socket, counts: MutableSequence[int], number: int) -> None:
        super().__init__(fileno=listener.detach())
        self._counts: Final = counts
        self._number: Final = number
        self._left_since = self._left_at = float("-inf")

    def listen(self, backlog: int = 0, /) -> None:
        """From now on this process accepts connections."""
        super().listen(backlog)
        self._counts[self._number] = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection. Raises BlockingIOError if there is none, or if it is left to another process."""
        if self._counts[self._number] > min(self._counts) and self._leave():
            raise BlockingIOError
        descriptor, address = self._accept()  # type: ignore[attr-defined] # socket.accept is made of it
        self._left_at = float("-inf")
        return _CountedConnection(descriptor, self._counts, self._number), address

    def _leave(self) -> bool:
        """Whether there is still time for another process."""
        now = time.monotonic()
        if now - self._left_at > _PATIENCE_SECONDS:
            self._left_since = now
        self._left_at = now
        if now - self._left_since > _PATIENCE_SECONDS:
            return False
        time.sleep(_PAUSE_SECONDS)  # other processes may need this processor
        return True

    def close(self) -> None:
        """From now on this process accepts no connections."""
        self._counts[self._number] = ABSENT
        super().close()


class _CountedConnection(socket.socket):
    def __init__(self, descriptor: int, counts: MutableSequence[int], number: int) -> None:
        super().__init__(fileno=descriptor)
        self._counts = counts
        self._number = number
        self._counts[number] += 1

    def close(self) -> None:
        if self.fileno() != -1:
            self._counts[self._number] -= 1
        super().close()
