"""Requests that wait for a verdict are judged in groups on one thread, and do not block the event loop."""

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from server_stub.api.limits.rates import LimitsInForce
from server_stub.api.limits.settings import ServerLimits
from server_stub.api.metrics import Metrics
from server_stub.api.problems import ApiError
from server_stub.api.threads import Threads, worker_threads
from server_stub.api.verdict_executor import GROUP_MAX, VerdictExecutor
from server_stub.verdicts.group import Answer
from server_stub.verdicts.service import VerdictRequest, VerdictService
from wire.codes import Decision, Reason

VERDICT: Any = SimpleNamespace(decision=Decision.ALLOW, reason=Reason.TERRITORY_ELIGIBLE, sub="d-1")
SECONDS = 60


class FakeService:
    """Answers evidence with itself, after it has judged the first group when `go` is set."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.threads: list[threading.Thread] = []
        self.begun, self.go, self.done = threading.Event(), threading.Event(), threading.Event()
        self.error: dict[str, BaseException] = {}
        self.failure: BaseException | None = None

    def judge_group(self, requests: Sequence[VerdictRequest]) -> list[Answer | BaseException]:
        if self.failure:
            raise self.failure
        tokens = [each.token.decode() for each in requests]
        self.groups.append(tokens)
        self.threads.append(threading.current_thread())
        self.begun.set()
        assert self.go.wait(SECONDS)
        self.done.set()
        return [self.error.get(token, (VERDICT, token)) for token in tokens]

    def executor(self, threads: Threads | None = None, judging_max: int = 256) -> VerdictExecutor:
        in_force = LimitsInForce(ServerLimits(judging_max=judging_max), lambda: 0.0)
        service, metrics = cast("VerdictService", self), Metrics()
        return VerdictExecutor(service, in_force, metrics, lambda: 0.0, threads or worker_threads(1))

    async def until_judging(self) -> None:
        while not self.begun.is_set():
            await asyncio.sleep(0.001)


def asked(executor: VerdictExecutor, tokens: Sequence[int]) -> list["asyncio.Task[Answer]"]:
    return [asyncio.create_task(executor.judge(b"%d" % number, None)) for number in tokens]


def test_requests_that_arrive_meanwhile_are_the_next_groups_in_their_order() -> None:
    fake = FakeService()

    async def ask() -> list[str]:
        executor = fake.executor()
        waiting = asked(executor, range(3))
        await fake.until_judging()
        waiting += asked(executor, range(3, 3 + GROUP_MAX + 6))
        await asyncio.sleep(0)
        assert not any(each.done() for each in waiting)
        fake.go.set()
        return [token for _, token in await asyncio.gather(*waiting)]

    names = [str(number) for number in range(3 + GROUP_MAX + 6)]
    assert asyncio.run(ask()) == names
    assert fake.groups == [names[:3], names[3 : 3 + GROUP_MAX], names[3 + GROUP_MAX :]]
    assert len(set(fake.threads)) == 1
    assert threading.current_thread() not in fake.threads


class Panic(BaseException):
    """An error as `pyo3` raises it."""


@pytest.mark.parametrize("error", [ZeroDivisionError, Panic, StopIteration])
def test_error_of_one_request_is_raised_only_to_it(error: type[BaseException]) -> None:
    fake = FakeService()
    fake.error["1"] = error("1")
    fake.go.set()

    async def ask() -> list[Answer | BaseException]:
        return await asyncio.gather(*asked(fake.executor(), range(3)), return_exceptions=True)

    first, second, third = asyncio.run(ask())
    assert (first, third) == ((VERDICT, "0"), (VERDICT, "2"))
    assert isinstance(second, error) or (isinstance(second, RuntimeError) and error is StopIteration)


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError(), Panic()])
def test_group_that_cannot_be_judged_fails_and_its_places_are_free_again(error: BaseException) -> None:
    fake, working = FakeService(), worker_threads(1)
    fake.go.set()
    fake.failure = error

    async def threads(call: Callable[..., Any], /, *args: object) -> Any:
        if isinstance(fake.failure, RuntimeError):
            raise error
        return await working(call, *args)

    async def ask() -> None:
        executor = fake.executor(threads, judging_max=3)
        for _ in range(2):
            failed = await asyncio.gather(*asked(executor, range(3)), return_exceptions=True)
            assert failed == [error] * 3
        fake.failure = None
        assert (await executor.judge(b"0", None))[1] == "0"

    asyncio.run(ask())


def test_number_of_requests_that_are_judged_or_wait_is_bounded_also_if_clients_leave() -> None:
    fake = FakeService()

    async def ask() -> None:
        executor = fake.executor(judging_max=4)
        judged = asked(executor, range(2))
        await fake.until_judging()
        waiting = asked(executor, range(2, 4))
        await asyncio.sleep(0)
        for each in (judged[0], waiting[0]):
            each.cancel()
            with pytest.raises(asyncio.CancelledError):
                await each
        with pytest.raises(ApiError):
            await executor.judge(b"4", None)
        fake.go.set()
        assert [(await each)[1] for each in (judged[1], waiting[1])] == ["1", "3"]
        assert (await executor.judge(b"5", None))[1] == "5"

    asyncio.run(ask())
    assert fake.groups == [["0", "1"], ["3"], ["5"]], "a group that was begun is completed"


def test_judgement_that_outlasts_its_event_loop_ends_without_an_error() -> None:
    """pytest reports an exception in a thread as an error of the test."""
    fake = FakeService()

    async def ask() -> None:
        waiting = asked(fake.executor(), range(2))
        await fake.until_judging()
        waiting[0].cancel()

    before = set(threading.enumerate())
    asyncio.run(ask())
    fake.go.set()
    assert fake.done.wait(SECONDS)
    gc.collect()
    for thread in set(threading.enumerate()) - before:
        thread.join(SECONDS)


def test_thread_starts_with_the_first_judgement_and_ends_with_the_event_loop() -> None:
    fake = FakeService()
    fake.go.set()
    before = set(threading.enumerate())
    executor = fake.executor()
    assert set(threading.enumerate()) <= before
    asyncio.run(cast("Any", executor.judge(b"token", None)))
    [thread] = fake.threads
    assert thread not in before
    thread.join(SECONDS)
    assert not thread.is_alive()


def test_without_threads_a_request_is_answered_before_its_coroutine_is_suspended() -> None:
    fake = FakeService()
    fake.go.set()
    limits = LimitsInForce(ServerLimits(), lambda: 0.0)
    executor = VerdictExecutor(cast("VerdictService", fake), limits, Metrics(), lambda: 0.0, None)
    for number in ("0", "1"):
        judging: Awaitable[Answer] = executor.judge(number.encode(), None)
        with pytest.raises(StopIteration) as returned:
            next(judging.__await__())
        assert returned.value.value == (VERDICT, number)
    assert fake.threads == [threading.current_thread()] * 2
