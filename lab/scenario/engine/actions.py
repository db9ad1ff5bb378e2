"""Doing the steps: one function for each kind, found by its type."""

from typing import Final

from lab.handset.handset import Power
from lab.scenario.engine.breakable_parts import PowerCut
from lab.scenario.engine.context import ScenarioContext, ScenarioDevice
from lab.scenario.engine.device_actions import DEVICE_ACTIONS, DeviceAction
from lab.scenario.engine.operations import CannotError
from lab.scenario.engine.world_actions import WORLD_ACTIONS
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


def perform(context: ScenarioContext, step: Step) -> None:
    """Do a step. Raises CannotError, or what the lab says of what makes no sense."""
    if (in_world := WORLD_ACTIONS.get(type(step))) is not None:
        in_world(context, step)
    elif isinstance(step, HandsetStep):
        for device in context.select_devices(step.subject):
            _check_lit(device, step)
            ALL_DEVICE_ACTIONS[type(step)](context, device, step)


def _check_lit(device: ScenarioDevice, step: HandsetStep) -> None:
    """Nobody touches the screen of a phone that shows none; who sets one up that does not boot is done.

    Raises CannotError.
    """
    if device.handset.power is Power.REFUSED and isinstance(step, device_steps.SetUp):
        return
    if isinstance(step, TOUCHES) and device.handset.panel.now is None:
        why = "is off" if device.handset.power is Power.OFF else "did not boot"
        raise CannotError(f"{device.name} {why}, so that nobody can do this on its screen")


def _cut_power(context: ScenarioContext, device: ScenarioDevice, step: step_union.CutPower) -> None:
    device.power_cut.set(step.at_effect)
    during = step.during
    try:
        if isinstance(during, HandsetStep) and during.subject is None and type(during) in ALL_DEVICE_ACTIONS:
            _check_lit(device, during)
            ALL_DEVICE_ACTIONS[type(during)](context, device, during)
        else:
            perform(context, during)
    except PowerCut:
        device.handset.power_off()
        return
    finally:
        done = device.power_cut.effects
        device.power_cut.set(0)
    raise CannotError(
        f"{step.during.verb()} had {done} effects on {device.name}, so the {step.at_effect}th never came"
    )


ALL_DEVICE_ACTIONS: Final[dict[type[Step], DeviceAction]] = {
    **DEVICE_ACTIONS,
    step_union.CutPower: _cut_power,
}
"""Steps that are done to one handset after the other."""
