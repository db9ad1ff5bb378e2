"""Work that blocks is done on threads, and its outcome comes back to the coroutine that waits."""

import asyncio
import gc
import threading
import time
from functools import partial

import pytest

from server_stub.api.limits.workers import Workers


def threads(name: str) -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.startswith(name)]


def test_what_work_returns_or_raises_comes_back() -> None:
    """None and errors are outcomes like any other."""

    async def ask() -> list[object]:
        workers = Workers(2, "outcome")
        answers = [await workers.do(partial(int, "1")), await workers.do(lambda: None)]
        with pytest.raises(ZeroDivisionError):
            await workers.do(lambda: 1 // 0)
        return [*answers, await workers.do(lambda: "after")]

    assert asyncio.run(ask()) == [1, None, "after"]


def test_work_does_not_block_the_loop_and_is_done_side_by_side() -> None:
    """Two pieces that wait for each other can only end on two threads."""
    barrier = threading.Barrier(2, timeout=5)

    async def ask() -> list[bool]:
        workers = Workers(2, "beside")

        def meet() -> bool:
            barrier.wait()
            return threading.current_thread() is not threading.main_thread()

        return list(await asyncio.gather(workers.do(meet), workers.do(meet)))

    assert asyncio.run(ask()) == [True, True]


def test_work_that_nobody_waits_for_any_more_is_done_and_harms_nobody() -> None:
    """A client that hangs up does not undo a verdict that is being recorded."""
    begun, go, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(5)
        done.set()

    async def ask() -> str:
        workers = Workers(1, "cancelled")
        waiting = asyncio.create_task(workers.do(work))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        waiting.cancel()
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return await workers.do(lambda: "next")

    assert asyncio.run(ask()) == "next"
    assert done.is_set()


def test_work_that_outlives_its_loop_ends_quietly() -> None:
    """A server that was stopped does not leave a thread that died with a traceback."""
    go = threading.Event()
    workers = Workers(1, "outlives")

    async def ask() -> None:
        waiting = asyncio.create_task(workers.do(lambda: go.wait(5)))
        await asyncio.sleep(0.01)
        waiting.cancel()

    asyncio.run(ask())
    go.set()

    async def again() -> str:
        return await workers.do(lambda: "next")

    assert asyncio.run(again()) == "next"


async def zero(workers: Workers) -> int:
    return await workers.do(int)


def test_threads_begin_with_the_first_work_and_end_with_their_owner() -> None:
    """An application that is made for its description starts none; one that is gone leaves none."""
    workers = Workers(2, "ending")
    assert threads("ending") == []

    asyncio.run(zero(workers))
    assert len(threads("ending")) == 2
    del workers
    gc.collect()
    deadline = time.monotonic() + 5
    while threads("ending") and time.monotonic() < deadline:
        time.sleep(0.005)
    assert threads("ending") == []
