"""Judgements run on a bounded number of threads and do not block the event loop."""

import asyncio
import gc
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from server_stub.api.device import JUDGES, VerdictExecutor
from server_stub.api.limits.rates import LimitsInForce
from server_stub.api.limits.settings import ServerLimits
from server_stub.api.metrics import Metrics
from server_stub.api.threads import worker_threads
from wire.codes import Decision, Reason

VERDICT = SimpleNamespace(decision=Decision.ALLOW, reason=Reason.TERRITORY_ELIGIBLE, sub="d-1")
SECONDS = 60


def executor(judge: Callable[[], None]) -> VerdictExecutor:
    def answer(token: bytes, *_: object) -> Any:
        judge()
        return VERDICT, token.decode()

    service: Any = SimpleNamespace(judge=answer)
    limits, threads = LimitsInForce(ServerLimits(), lambda: 0.0), worker_threads(JUDGES)
    return VerdictExecutor(service, limits, Metrics(), lambda: 0.0, threads)


def test_two_judgements_run_concurrently_and_the_others_wait() -> None:
    pairs = threading.Barrier(2, timeout=SECONDS)
    running: set[int] = set()
    most = []

    def judge() -> None:
        running.add(threading.get_ident())
        pairs.wait()
        most.append(len(running))
        pairs.wait()
        running.discard(threading.get_ident())

    async def ask() -> list[str]:
        judges = executor(judge)
        answers = await asyncio.gather(*(judges.judge(b"%d" % number, None) for number in range(6)))
        return [token for _, token in answers]

    assert asyncio.run(ask()) == [str(number) for number in range(6)]
    assert most == [2] * 6
    assert threading.get_ident() not in running


class Panic(BaseException):
    """An error as `pyo3` raises it."""


@pytest.mark.parametrize("error", [ZeroDivisionError, Panic])
def test_an_error_of_the_service_is_raised_and_its_place_is_free_again(error: type[BaseException]) -> None:
    def judge() -> None:
        raise error

    async def ask() -> None:
        judges = executor(judge)
        for _ in range(ServerLimits().judging_max + 1):
            with pytest.raises(error):
                await judges.judge(b"token", None)

    asyncio.run(ask())


def test_a_judgement_whose_client_has_gone_is_completed() -> None:
    """A closed connection does not undo a verdict that is being recorded."""
    begun, go, done = threading.Event(), threading.Event(), threading.Event()

    def judge() -> None:
        begun.set()
        go.wait(SECONDS)
        done.set()

    async def ask() -> str:
        judges = executor(judge)
        waiting = asyncio.create_task(judges.judge(b"first", None))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        go.set()
        return (await judges.judge(b"next", None))[1]

    assert asyncio.run(ask()) == "next"
    assert done.wait(SECONDS)


def test_a_judgement_that_outlasts_its_event_loop_ends_without_an_error() -> None:
    """pytest reports an exception in a thread as an error of the test."""
    begun, go, done = threading.Event(), threading.Event(), threading.Event()

    def judge() -> None:
        begun.set()
        go.wait(SECONDS)
        done.set()

    async def ask() -> None:
        waiting = asyncio.create_task(executor(judge).judge(b"token", None))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        waiting.cancel()

    before = set(threading.enumerate())
    asyncio.run(ask())
    go.set()
    assert done.wait(SECONDS)
    gc.collect()
    for thread in set(threading.enumerate()) - before:
        thread.join(SECONDS)


def test_threads_start_with_the_first_judgement_and_end_with_the_event_loop() -> None:
    async def ask(judges: VerdictExecutor) -> None:
        await judges.judge(b"token", None)

    before, judging = set(threading.enumerate()), list[threading.Thread]()
    judges = executor(lambda: judging.append(threading.current_thread()))
    assert set(threading.enumerate()) <= before
    asyncio.run(ask(judges))
    [thread] = judging
    assert thread not in before
    thread.join(SECONDS)
    assert not thread.is_alive()
