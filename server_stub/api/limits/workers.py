"""Threads that do what would block the event loop.

A request for a verdict is judged within a millisecond, of which handing it to the standard library's executor and back
would take a tenth: two futures, two locks and a callback for each piece of work. A queue and one future do.
"""

import asyncio
import weakref
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Generic, TypeVar

R = TypeVar("R")


class _Piece(Generic[R]):
    """Work, and the coroutine that waits for it. As a context manager it hands over how the work ended."""

    __slots__ = ("_answer", "_future", "_loop", "_work")

    def __init__(self, work: Callable[[], R]) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[R] = self._loop.create_future()
        self._answer: list[R] = []

    async def outcome(self) -> R:
        """What the work returned, or raised."""
        return await self._future

    def do(self) -> None:
        """Do it. What it raises is the waiting coroutine's."""
        with self:
            self._answer.append(self._work())

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
            self._loop.call_soon_threadsafe(self._tell, error)
        return isinstance(error, Exception)

    def _tell(self, error: BaseException | None) -> None:
        if self._future.done():
            return  # whoever waited has gone
        if error is None:
            self._future.set_result(self._answer[0])
        else:
            self._future.set_exception(error)


_Queue = SimpleQueue[_Piece[Any] | None]


class Workers:
    """`count` threads, which start with the first piece of work, and end when nobody can give them another."""

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._queue: _Queue = SimpleQueue()
        self._started = False

    async def do(self, work: Callable[[], R]) -> R:
        """What `work` returns or raises on one of the threads. Cancelled, it is done all the same."""
        if not self._started:
            self._start()
        piece = _Piece(work)
        self._queue.put(piece)
        return await piece.outcome()

    def _start(self) -> None:
        self._started = True
        for number in range(self._count):
            # A daemon: a server that must end does not wait for a database that does not answer.
            Thread(target=_serve, args=(self._queue,), name=f"{self._name}-{number}", daemon=True).start()
        weakref.finalize(self, _end, self._queue, self._count)


def _serve(queue: _Queue) -> None:
    while (piece := queue.get()) is not None:
        piece.do()
        del piece  # which would otherwise live until the next one comes


def _end(queue: _Queue, count: int) -> None:
    for _ in range(count):
        queue.put(None)
