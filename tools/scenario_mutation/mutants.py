"""All mutants of agent, server and world. Each replaces one part of the running program while one scenario runs.

A scenario detects a mutant if an expectation fails, or if it waits without result; an impossible step does not count.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import pytest

from lab.scenario.engine.engine import run
from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.files.reader import Case
from lab.scenario.model.faults import SCENARIO_FAULTS, WireFault
from lab.scenario.model.step_union import VERBS
from server_stub.faults.catalogue import FaultKind
from tools.scenario_mutation import agent_mutants, server_mutants, world_mutants

Apply = Callable[[pytest.MonkeyPatch], None]

NOT_MUTATED: Final = (
    "expect",
    "golden",
    "screenshot",
    "mark",
    "capture",
    "copy-state",
    "issue-code",
    "back-up",
    "restart-server",
)
"""No expectation can show their absence: they observe, make a later step possible, or must change nothing."""

SEED: Final = "2021"
WAITING: Final = "wait-for:"


@dataclass(frozen=True, slots=True)
class ScenarioMutant:
    """One defect: its name, how it is applied, and which scenarios can meet it at all."""

    name: str
    apply: Apply
    concerns: Callable[[Case], bool] = lambda _: True


@cache
def all_mutants() -> dict[str, ScenarioMutant]:
    """Every mutant by its name: of the agent, of the server, of the world."""
    return {each.name: each for each in _all()}


def _all() -> Iterator[ScenarioMutant]:
    for name, apply in (
        *agent_mutants.all_by_name(),
        *server_mutants.all_by_name(),
        *world_mutants.IMAGES.items(),
    ):
        yield ScenarioMutant(name, apply)
    for verb in VERBS:
        if verb not in NOT_MUTATED:
            apply = world_mutants.without_step(verb)
            yield ScenarioMutant(f"world: the step {verb} does nothing", apply, partial(_has_step, verb))
    for kind in SCENARIO_FAULTS:
        apply = world_mutants.without_fault(kind)
        yield ScenarioMutant(f"world: the fault {kind} is never injected", apply, partial(_has_fault, kind))


def _has_step(verb: str, case: Case) -> bool:
    return any(verb in (step.verb(), getattr(step, "during", step).verb()) for _, step in case.steps)


def _has_fault(kind: FaultKind, case: Case) -> bool:
    steps: Iterable[Any] = (step for _, step in case.steps)
    faults = (*case.scenario.world.faults, *(step for step in steps if isinstance(step, WireFault)))
    return any(fault.fault is kind for fault in faults)


def detects(case: Case, mutant: ScenarioMutant) -> bool:
    """Whether a scenario fails with this mutant."""
    with pytest.MonkeyPatch.context() as patch:
        mutant.apply(patch)
        return failed(run(case, SEED))


def failed(result: ScenarioResult) -> bool:
    """Whether an expectation failed, or a wait ended without result."""
    return any(
        step.status is Status.FAILED or (step.status is Status.ERROR and step.text.startswith(WAITING))
        for step in result.steps
    )
