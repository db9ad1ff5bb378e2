"""Runs many scenarios, in this process or in several. The results come in the order of the cases."""

import time
import traceback
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType

from lab.backend.hosts import Host, InProcessHost
from lab.scenario.engine.context import OutputOptions, ServerTarget
from lab.scenario.engine.engine import empty_result, run
from lab.scenario.engine.interruption import Interruption
from lab.scenario.engine.outcome import timed
from lab.scenario.engine.remote_operations import AdminOperations
from lab.scenario.engine.result import BAD, ScenarioResult, Status, Timing
from lab.scenario.engine.workers import WorkerPool
from lab.scenario.files.reader import Case


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run: the seed, the number of processes, where the servers run or the remote server, what is written.

    `details` is for scenarios that pass; others always have them.
    """

    seed: str = "2021"
    workers: int = 1
    host: type[Host] = InProcessHost
    server: str | None = None
    token: str | None = None
    enforce_time: bool = False
    output: OutputOptions | None = None
    details: bool = False

    def target(self) -> ServerTarget:
        """Where the servers run."""
        operations = AdminOperations(self.server, self.token) if self.server and self.token else None
        return ServerTarget(self.host, self.server, operations)


class Run:
    """A run of `cases`, which ends early after `failures_max` failures or an interruption.

    `complete` says after `results` whether every case was run, `failures` how many failed. The results are those of
    the first cases in their order, whatever the number of workers, except that an interrupted run can lack some.
    """

    def __init__(
        self,
        cases: Iterable[Case],
        plan: Plan,
        interruption: Interruption | None = None,
        failures_max: int | None = None,
    ) -> None:
        self.complete = False
        self.failures = 0
        self._plan = plan
        self._interruption = interruption or Interruption()
        self._failures_max = failures_max
        self._begun = 0
        self._cases = self._counted(cases)

    def results(self) -> Iterator[ScenarioResult]:
        """The result of each case, as soon as it and those before it are there.

        An exception that is not the scenario's fault gives a result with the status `internal-error`, whose `error` has
        the traceback, so that the results of the other scenarios are kept.
        """
        returned = 0
        with closing(self._in_workers() if self._plan.workers > 1 else self._here()) as results:
            for result in results:
                returned += 1
                self.failures += result.status in BAD
                yield result
                if self.failures == self._failures_max:
                    break
        none_left = next(self._cases, None) is None
        self.complete = none_left and returned == self._begun and not self._interruption.unread

    def _counted(self, cases: Iterable[Case]) -> Iterator[Case]:
        for case in cases:
            self._begun += 1
            yield case

    def _here(self) -> Generator[ScenarioResult]:
        for case in self._cases:
            with self._interruption.running() as allowed:
                if not allowed:
                    return
                result = run_one(self._plan, case)
            yield result

    def _in_workers(self) -> Generator[ScenarioResult]:
        pool = WorkerPool(self._plan.workers, partial(run_one, self._plan), self._lost, self._interruption)
        return pool.results(self._cases)

    def _lost(self, case: Case, how: str) -> ScenarioResult:
        error = f"the process that ran it was ended by {how}; did this machine run out of memory?"
        return _defect(self._plan, case, error)


@dataclass(slots=True)
class _DefectReport(AbstractContextManager["_DefectReport"]):
    """Ends its block at an exception and keeps the traceback, so that the results of other scenarios are not lost."""

    text: str = ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            self.text = "".join(traceback.format_exception(error))
        return bool(self.text)


def run_one(plan: Plan, case: Case) -> ScenarioResult:
    """The result of a case. An exception that is a defect gives the status `internal-error`."""
    with _DefectReport() as defect:
        return run_case(plan, case)
    return _defect(plan, case, f"internal error\n{defect.text}")


def _defect(plan: Plan, case: Case, error: str) -> ScenarioResult:
    return replace(empty_result(case, plan.seed, plan.target()), status=Status.INTERNAL_ERROR, error=error)


def run_case(plan: Plan, case: Case) -> ScenarioResult:
    """The result of a case, with its timing. Raises what a defect of the program raises."""
    began, clock, processor = time.time(), time.perf_counter(), time.process_time()
    result = run(case, plan.seed, plan.target(), plan.output, details=plan.details)
    timing = Timing(began, time.perf_counter() - clock, time.process_time() - processor)
    return timed(case, result, timing, enforce=plan.enforce_time)
