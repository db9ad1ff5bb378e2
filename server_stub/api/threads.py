"""Threads for work that would block the event loop."""

import asyncio
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
_Calls = SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]


class Threads(Protocol):
    """Where calls run that would block the event loop."""

    async def run(self, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the result of `call`."""


class CallingThread:
    """Implements `Threads` without one: for an application with a single client that waits for each response."""

    async def run(self, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the result of `call`."""
        return call(*args, **kwargs)


class DaemonThreads(Executor):
    """Runs calls on `count` daemon threads, which start with the first call and end with this object.

    `concurrent.futures.ThreadPoolExecutor` is not used, because the interpreter waits for its threads: a server whose
    database does not respond could not exit.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._calls: _Calls = SimpleQueue()
        self._started = False

    async def run(self, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the result of `call`. A caller that is cancelled does not cancel a call that has begun."""
        return await asyncio.wrap_future(self.submit(call, *args, **kwargs))

    def submit(self, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Return the future result of `call`."""
        if not self._started:
            self._started = True
            for number in range(self._count):
                Thread(target=_run, args=(self._calls,), name=f"{self._name}-{number}", daemon=True).start()
            weakref.finalize(self, _end, self._calls, self._count)
        future: Future[R] = Future()
        self._calls.put((future, lambda: call(*args, **kwargs)))
        return future


@dataclass(frozen=True, slots=True)
class _ErrorsTo(AbstractContextManager[None]):
    """Gives any error of its block to the caller of `result`, also one that is no `Exception`: a panic of a library."""

    future: Future[Any]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is not None:
            self.future.set_exception(error)
        return error is not None


def _run(calls: _Calls) -> None:
    while (item := calls.get()) is not None:
        future, call = item
        if future.set_running_or_notify_cancel():
            with _ErrorsTo(future):
                future.set_result(call())
        del item, future, call  # else they would exist until the next call


def _end(calls: _Calls, count: int) -> None:
    for _ in range(count):
        calls.put(None)
