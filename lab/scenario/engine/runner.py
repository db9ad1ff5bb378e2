"""Runs many scenarios, in this process or in several. The results come in the order of the cases."""

import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from types import TracebackType

from lab.backend.hosts import Host, InProcessHost
from lab.scenario.engine.context import OutputOptions, ServerTarget
from lab.scenario.engine.engine import empty_result, run
from lab.scenario.engine.outcome import with_enforced_time
from lab.scenario.engine.remote_operations import AdminOperations
from lab.scenario.engine.result import ScenarioResult, Status, Timing
from lab.scenario.files.reader import Case

CHUNK = 8
"""Scenarios that a worker process takes at a time."""


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


def run_all(cases: Iterable[Case], plan: Plan) -> Iterator[ScenarioResult]:
    """The result of each case, as soon as it and those before it are there.

    An exception that is not the scenario's fault gives a result with the status `internal-error`, whose `error` has
    the traceback, so that the results of the other scenarios are kept.
    """
    if plan.workers <= 1:
        yield from (run_one(plan, case) for case in cases)
        return
    with ProcessPoolExecutor(plan.workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(partial(run_one, plan), cases, chunksize=CHUNK)


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
    """The result of a case, with its timing. An exception that is a defect gives the status `internal-error`."""
    began, clock, processor = time.time(), time.perf_counter(), time.process_time()
    result = _run(plan, case)
    timing = Timing(began, time.perf_counter() - clock, time.process_time() - processor)
    result = replace(result, timing=timing)
    return with_enforced_time(case, result) if plan.enforce_time else result


def _run(plan: Plan, case: Case) -> ScenarioResult:
    target = plan.target()
    with _DefectReport() as defect:
        return run(case, plan.seed, target, plan.output, details=plan.details)
    result = empty_result(case, plan.seed, target)
    return replace(result, status=Status.INTERNAL_ERROR, error=f"internal error\n{defect.text}")
