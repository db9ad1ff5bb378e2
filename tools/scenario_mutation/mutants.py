"""All mutants of agent, server and world. Each replaces one part of the running program while one scenario runs.

A scenario detects a mutant if an expectation fails, or if it waits without result; an impossible step does not count.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import pytest

from lab.scenario.engine.engine import run
from lab.scenario.engine.result import Status
from lab.scenario.files.reader import Case
from lab.scenario.model.faults import SCENARIO_FAULTS, WireFault
from lab.scenario.model.step_union import VERBS
from server_stub.faults.catalogue import FaultKind
from tools.scenario_mutation import agent_mutants, server_mutants, world_mutants

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
    """One defect: its name, the parts that are exchanged for it, and which scenarios can meet it at all.

    A part is a `lab.model_check.memoized_step.Replaced`, or a table, a key and a value.
    """

    name: str
    replaced: Sequence[tuple[Any, Any, Any]]
    concerns: Callable[[Case], bool] = lambda _: True


@cache
def all_mutants() -> dict[str, ScenarioMutant]:
    """Every mutant by its name: of the agent, of the server, of the world."""
    return {each.name: each for each in _all()}


def _all() -> Iterator[ScenarioMutant]:
    for area, mutants in (
        ("agent", agent_mutants.all_by_name()),
        ("server", server_mutants.all_by_name()),
        ("world", world_mutants.IMAGES.items()),
    ):
        yield from (ScenarioMutant(f"{area}: {name}", replaced) for name, replaced in mutants)
    for verb in VERBS:
        if verb not in NOT_MUTATED:
            step = world_mutants.without_step(verb)
            yield ScenarioMutant(f"world: the step {verb} does nothing", [step], partial(_has_step, verb))
    for kind in SCENARIO_FAULTS:
        fault = world_mutants.without_fault(kind)
        yield ScenarioMutant(f"world: the fault {kind} is never injected", [fault], partial(_has_fault, kind))


def _has_step(verb: str, case: Case) -> bool:
    return any(verb in (step.verb(), getattr(step, "during", step).verb()) for _, step in case.steps)


def _has_fault(kind: FaultKind, case: Case) -> bool:
    steps: Iterable[Any] = (step for _, step in case.steps)
    faults = (*case.scenario.world.faults, *(step for step in steps if isinstance(step, WireFault)))
    return any(fault.fault is kind for fault in faults)


def detects(case: Case, mutant: ScenarioMutant) -> bool:
    """Whether an expectation of the scenario fails with this mutant, or a wait ends without result."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name, value in mutant.replaced:
            (patch.setitem if isinstance(owner, dict) else patch.setattr)(owner, name, value)
        return any(
            step.status is Status.FAILED or (step.status is Status.ERROR and step.text.startswith(WAITING))
            for step in run(case, SEED).steps
        )
