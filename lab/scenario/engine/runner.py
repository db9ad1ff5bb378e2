"""Running many scenarios: in this process, or over several. The results come in the order of the cases."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from lab.backend.hosts import HttpHost, InProcessHost
from lab.scenario.engine.context import ServerTarget
from lab.scenario.engine.engine import run
from lab.scenario.engine.remote_operations import AdminOperations
from lab.scenario.engine.result import ScenarioResult
from lab.scenario.files.reader import Case

CHUNK = 8
"""Scenarios that a worker takes at a time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run: the seed, in how many processes, and whether over real HTTP or against a server elsewhere."""

    seed: str = "2021"
    workers: int = 1
    http: bool = False
    server: str | None = None
    token: str | None = None

    def target(self) -> ServerTarget:
        """Where servers run."""
        if self.server is None:
            return ServerTarget(HttpHost if self.http else InProcessHost)
        operations = AdminOperations(self.server, self.token) if self.token else None
        return ServerTarget(HttpHost, self.server, operations)


def run_all(cases: Sequence[Case], plan: Plan) -> Iterator[ScenarioResult]:
    """The result of each case, as soon as it and those before it are there."""
    if plan.workers <= 1 or len(cases) <= 1:
        yield from (run(case, plan.seed, plan.target()) for case in cases)
        return
    with ProcessPoolExecutor(plan.workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_Task(plan), cases, chunksize=CHUNK)


@dataclass(frozen=True, slots=True)
class _Task:
    plan: Plan

    def __call__(self, case: Case) -> ScenarioResult:
        return run(case, self.plan.seed, self.plan.target())
