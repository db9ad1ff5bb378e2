"""Doing the steps: one function for each kind, found by its type."""

from typing import Final

from lab.handset.handset import Power
from lab.scenario.model import on_phones, steps
from lab.scenario.model.step import HandsetStep, Step
from lab.scenario.operations import CannotError
from lab.scenario.parts import PowerCut
from lab.scenario.perform_phone import PHONE_STEPS, OnPhone
from lab.scenario.perform_world import IN_WORLD
from lab.scenario.stage import Actor, Stage

TOUCHES: Final = (
    on_phones.SetUp,
    on_phones.ChooseLanguage,
    on_phones.AcceptTerms,
    on_phones.DeclineTerms,
    on_phones.Continue,
    on_phones.Retry,
    on_phones.ShowImei,
    on_phones.EnterCode,
)
"""Steps that a user does on the screen."""


def perform(stage: Stage, step: Step) -> None:
    """Do a step. Raises CannotError, or what the lab says of what makes no sense."""
    if (in_world := IN_WORLD.get(type(step))) is not None:
        in_world(stage, step)
    elif isinstance(step, HandsetStep):
        for actor in stage.chosen(step.subject):
            _check_lit(actor, step)
            ON_PHONE[type(step)](stage, actor, step)


def _check_lit(actor: Actor, step: HandsetStep) -> None:
    """Nobody touches the screen of a phone that shows none; who sets one up that does not boot is done.

    Raises CannotError.
    """
    if actor.phone.power is Power.REFUSED and isinstance(step, on_phones.SetUp):
        return
    if isinstance(step, TOUCHES) and actor.phone.panel.now is None:
        why = "is off" if actor.phone.power is Power.OFF else "did not boot"
        raise CannotError(f"{actor.name} {why}, so that nobody can do this on its screen")


def _cut_power(stage: Stage, actor: Actor, step: steps.CutPower) -> None:
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


ON_PHONE: Final[dict[type[Step], OnPhone]] = {**PHONE_STEPS, steps.CutPower: _cut_power}
"""Steps that are done to one handset after the other."""
