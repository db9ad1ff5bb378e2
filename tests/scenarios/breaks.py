"""Ways to break what scenarios are about. Each is one defect, as large as the thing that it breaks.

A scenario notices a break if it fails under it: by an expectation, or by waiting in vain. That the break makes a step
impossible does not count.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

import pytest

from lab.scenario.engine.engine import run
from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.files.reader import Case
from lab.scenario.model.faults import FaultKind, WireFault
from lab.scenario.model.step_union import VERBS
from tests.scenarios import agent_breaks, server_breaks, world_breaks

Apply = Callable[[pytest.MonkeyPatch], None]

UNNOTICEABLE: Final = ("expect", "mark", "copy-state", "issue-code", "back-up", "restart-server")
"""Steps that nobody misses: they look, they keep something without which a later step cannot be done, or they change
nothing, which is what is to be shown of them."""

SEED: Final = "2021"
WAITING: Final = "wait-for:"


def _everybody(_: Case) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Break:
    """A defect: what it is, how it is made while a test runs, and which scenarios could notice it at all."""

    name: str
    apply: Apply
    concerns: Callable[[Case], bool] = _everybody


@cache
def all_breaks() -> dict[str, Break]:
    """Every break by its name, those of the agent first, then those of the server and of the world around them."""
    return {each.name: each for each in _made()}


def _made() -> Iterator[Break]:
    for name, apply in (*agent_breaks.made(), *server_breaks.made(), *world_breaks.images()):
        yield Break(name, apply)
    for verb in VERBS:
        if verb not in UNNOTICEABLE:
            does = partial(_does, verb)
            yield Break(f"world: the step {verb} does nothing", world_breaks.no_step(verb), does)
    for kind in FaultKind:
        meets = partial(_meets, kind)
        yield Break(f"world: the fault {kind} strikes nobody", world_breaks.no_fault(kind), meets)


def _does(verb: str, case: Case) -> bool:
    return any(verb in (step.verb(), getattr(step, "during", step).verb()) for _, step in case.steps)


def _meets(kind: FaultKind, case: Case) -> bool:
    faults = (*case.scenario.world.faults, *(step for _, step in case.steps if isinstance(step, WireFault)))
    return any(fault.fault is kind for fault in faults)


def notices(case: Case, broken: Break) -> bool:
    """Whether a scenario fails under a break."""
    with pytest.MonkeyPatch.context() as patch:
        broken.apply(patch)
        return failed(run(case, SEED))


def failed(result: ScenarioResult) -> bool:
    """Whether an expectation did not hold, or something was waited for in vain."""
    return any(
        step.status is Status.FAILED or (step.status is Status.ERROR and step.text.startswith(WAITING))
        for step in result.steps
    )
