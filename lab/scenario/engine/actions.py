"""Doing the steps: one function for each kind, found by its type."""

from typing import Final

from lab.handset.handset import Power
from lab.scenario.engine.breakable_parts import PowerCut
from lab.scenario.engine.context import ScenarioContext, ScenarioDevice
from lab.scenario.engine.device_actions import PHONE_STEPS, OnPhone
from lab.scenario.engine.operations import CannotError
from lab.scenario.engine.world_actions import IN_WORLD
from lab.scenario.model import device_steps, step_union
from lab.scenario.model.step import HandsetStep, Step

TOUCHES: Final = (
    device_steps.SetUp,
    device_steps.ChooseLanguage,
    device_steps.AcceptTerms,
    device_steps.DeclineTerms,
    device_steps.Continue,
    device_steps.Retry,
    device_steps.ShowImei,
    device_steps.EnterCode,
)
"""Steps that a user does on the screen."""


def perform(stage: ScenarioContext, step: Step) -> None:
    """Do a step. Raises CannotError, or what the lab says of what makes no sense."""
    if (in_world := IN_WORLD.get(type(step))) is not None:
        in_world(stage, step)
    elif isinstance(step, HandsetStep):
        for actor in stage.select_devices(step.subject):
            _check_lit(actor, step)
            ON_PHONE[type(step)](stage, actor, step)


def _check_lit(actor: ScenarioDevice, step: HandsetStep) -> None:
    """Nobody touches the screen of a phone that shows none; who sets one up that does not boot is done.

    Raises CannotError.
    """
    if actor.phone.power is Power.REFUSED and isinstance(step, device_steps.SetUp):
        return
    if isinstance(step, TOUCHES) and actor.phone.panel.now is None:
        why = "is off" if actor.phone.power is Power.OFF else "did not boot"
        raise CannotError(f"{actor.name} {why}, so that nobody can do this on its screen")


def _cut_power(stage: ScenarioContext, actor: ScenarioDevice, step: step_union.CutPower) -> None:
    actor.fuse.set(step.at_effect)
    during = step.during
    try:
        if isinstance(during, HandsetStep) and during.subject is None and type(during) in ON_PHONE:
            _check_lit(actor, during)
            ON_PHONE[type(during)](stage, actor, during)
        else:
            perform(stage, during)
    except PowerCut:
        actor.phone.power_off()
        return
    finally:
        done = actor.fuse.ticks
        actor.fuse.set(0)
    raise CannotError(
        f"{step.during.verb()} had {done} effects on {actor.name}, so the {step.at_effect}th never came"
    )


ON_PHONE: Final[dict[type[Step], OnPhone]] = {**PHONE_STEPS, step_union.CutPower: _cut_power}
"""Steps that are done to one handset after the other."""
