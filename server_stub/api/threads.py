"""Where calls run that would block the event loop.

anyio's worker threads are daemons if the thread of the event loop is one (`threading.Thread.daemon` is inherited), so
`server_stub.server` runs the loop on a daemon thread: the process ends while a database does not respond.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from anyio import CapacityLimiter, to_thread

R = TypeVar("R")


class Threads(Protocol):
    """Runs a call and returns its result. A caller that is cancelled does not stop a call that has begun."""

    async def __call__(self, call: Callable[..., R], /, *args: object) -> R:
        """Return the result of `call`."""


def worker_threads(count: int) -> Threads:
    """At most `count` threads, which start when they are needed."""
    return partial(to_thread.run_sync, limiter=CapacityLimiter(count), abandon_on_cancel=True)


async def calling_thread(call: Callable[..., R], /, *args: object) -> R:
    """No other thread: for an application with a single client that waits for each response."""
    return call(*args)
