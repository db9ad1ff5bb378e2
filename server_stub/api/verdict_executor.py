"""The execution of judgements: what waits is judged together on one thread, and waits for one commit."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from server_stub.api.limits.rates import LimitsInForce
from server_stub.api.metrics import Limit, Metrics
from server_stub.api.problems import ApiError
from server_stub.api.threads import Threads
from server_stub.verdicts.group import Answer, outcome
from server_stub.verdicts.observer import JudgingStep, RateExceededError
from server_stub.verdicts.service import VerdictRequest, VerdictService
from wire.codes import ProblemCode

GROUP_MAX: Final = 64
"""How many requests are judged together: each of them waits for all."""


class MeteredObserver:
    """Measures the steps of one judgement and applies the rates of evidence from `address`.

    Implements `server_stub.verdicts.observer.RequestObserver`. `clock` is in seconds and never decreases.
    """

    __slots__ = ("_address", "_clock", "_counted", "_last", "_limits", "_metrics", "_spent")

    def __init__(
        self, clock: Callable[[], float], limits: LimitsInForce, metrics: Metrics, address: str | None
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._metrics = metrics
        self._address = address or ""
        self._counted = False
        self._spent: dict[JudgingStep, float] = {}
        self._last = clock()

    def record_step(self, step: JudgingStep) -> None:
        """Add the time since the previous call, or since the start, to `step`."""
        now = self._clock()
        self._spent[step] = self._spent.get(step, 0.0) + now - self._last
        self._last = now

    def check_rate(self, sub: str) -> None:
        """Count a request of this device. Raises RateExceededError."""
        wait = self._limits.refuses(Limit.DEVICE, sub)
        if wait is not None:
            self._metrics.limited.labels(Limit.DEVICE).inc()
            raise RateExceededError(wait, "this device sends requests too often")

    def check_unattested(self) -> None:
        """Count this request of its address, once. Raises RateExceededError.

        Attested evidence is not counted and not rejected: other users may share the address of the sender.
        """
        if self._counted:
            return
        self._counted = True
        wait = self._limits.refuses(Limit.UNATTESTED, self._address)
        if wait is not None:
            self._metrics.limited.labels(Limit.UNATTESTED).inc()
            raise RateExceededError(wait, "this address sends evidence that attests no device too often")

    def done(self) -> None:
        """Add the recorded steps to the metrics."""
        self._metrics.steps(self._spent)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request in the queue. `answer` belongs to the event loop; it is done already if the caller was cancelled."""

    request: VerdictRequest
    answer: asyncio.Future[Answer | BaseException]


class VerdictExecutor:
    """Judges evidence by `service`, in groups of what waits: one group after the other, by `threads`.

    `limits.judging_max` bounds how many requests are judged or wait for it. Without `threads`, each request is judged
    by itself on the calling thread.
    """

    def __init__(
        self,
        service: VerdictService,
        limits: LimitsInForce,
        metrics: Metrics,
        clock: Callable[[], float],
        threads: Threads | None,
    ) -> None:
        self._service = service
        self._metrics = metrics
        self._clock = clock
        self._limits = limits
        self._threads = threads
        self._queue = deque[_Waiting]()
        self._drain: asyncio.Task[None] | None = None
        self._judging = 0

    async def judge(self, token: bytes, address: str | None) -> Answer:
        """Return the verdict on evidence `token` from `address`, as claims and as a token.

        Raises ApiError or ServiceError.
        """
        if self._judging >= self._limits.values.judging_max:
            raise ApiError(503, ProblemCode.UNAVAILABLE, "too many requests wait for a verdict; retry later")
        observer = MeteredObserver(self._clock, self._limits, self._metrics, address)
        request = VerdictRequest(token, observer, address)
        if self._threads is None:
            [answer] = self._judge_group([request])
        else:
            answer = await self._in_queue(request, self._threads)
        observer.done()
        if isinstance(answer, BaseException):
            raise answer
        self._metrics.verdict(answer[0])
        return answer

    async def _in_queue(self, request: VerdictRequest, threads: Threads) -> Answer | BaseException:
        waiting = _Waiting(request, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._judging += 1
        self._metrics.judging.inc()
        if self._drain is None or self._drain.done():
            # Begins after all requests that have arrived with this one are in the queue.
            self._drain = asyncio.create_task(self._drain_queue(threads))
        return await waiting.answer

    async def _drain_queue(self, threads: Threads) -> None:
        while self._queue:
            taken = [self._queue.popleft() for _ in range(min(GROUP_MAX, len(self._queue)))]
            try:
                await self._answer([each for each in taken if not each.answer.done()], threads)
            finally:
                self._judging -= len(taken)
                self._metrics.judging.dec(len(taken))

    async def _answer(self, group: list[_Waiting], threads: Threads) -> None:
        try:
            answers = await threads(self._judge_group, [each.request for each in group])
        except RuntimeError as error:  # no thread can be started
            answers = [error] * len(group)
        for each, answer in zip(group, answers, strict=True):
            if not each.answer.done():
                each.answer.set_result(answer)

    def _judge_group(self, group: list[VerdictRequest]) -> list[Answer | BaseException]:
        answers = outcome(self._service.judge_group, group)
        if isinstance(answers, BaseException):
            return [answers] * len(group)
        if verdicts := sum(not isinstance(each, BaseException) for each in answers):
            self._metrics.group_verdicts.observe(verdicts)
        return answers
