"""The union of all steps of a file, discriminated by the verb."""

from typing import TYPE_CHECKING, Annotated, Any, Final, Self, Union

from pydantic import Discriminator, Field, Tag, model_validator

from lab.scenario.model import device_steps, expect, screen_steps, server_steps, time_steps
from lab.scenario.model.faults import ScenarioFaultKind, WireFault
from lab.scenario.model.field_types import Subject
from lab.scenario.model.step import HandsetStep, Step


class FaultStep(Step, WireFault):
    """Inject a network fault until it ends or is cleared."""


class Heal(Step):
    """Clear network faults."""

    heal: ScenarioFaultKind | None = Field(description="The kind; all by default.")


class CutPower(HandsetStep):
    """Cut the power at the n-th effect of the step in `during`."""

    cut_power: Subject
    at_effect: Annotated[int, Field(ge=1)]
    during: "AnyStep"

    @model_validator(mode="after")
    def _cuttable(self) -> Self:
        if self.during.verb() in ("expect", "mark", "capture", "cut-power", "screenshot", "golden"):
            raise ValueError(f"{self.during.verb()} has no effects at which the power could be cut")
        if self.during.when is not None:
            raise ValueError("has a `when` within `during`; write it next to `cut-power`")
        return self


def _in(module: Any) -> tuple[type[Step], ...]:
    """The steps of a module, in its order, without base classes, which have no verb."""
    found = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Step)]
    return tuple(
        step
        for step in found
        if step.__module__ == module.__name__ and step.verb_field() in step.model_fields
    )


ALL_STEPS: Final[tuple[type[Step], ...]] = (
    *_in(device_steps),
    *_in(screen_steps),
    CutPower,
    *_in(time_steps),
    *_in(server_steps),
    FaultStep,
    Heal,
    *_in(expect),
)
"""In the order of the reference."""

VERBS: Final[dict[str, type[Step]]] = {step.verb(): step for step in ALL_STEPS}


BARE: Final = tuple(verb for verb, step in VERBS.items() if step is not expect.Expect and step.can_be_bare())
"""Verbs that can be written without a value."""


def verb_of(step: Any) -> str | None:
    """The verb of a step as written, or its first member if no verb is known."""
    if isinstance(step, Step):
        return step.verb()
    words = [str(word) for word in step] if isinstance(step, dict) else []
    return next((word for word in words if word in VERBS), words[0] if words else None)


if TYPE_CHECKING:
    AnyStep = Step
else:
    AnyStep = Annotated[
        Union[tuple(Annotated[step, Tag(verb)] for verb, step in VERBS.items())],  # noqa: UP007 - made at run time
        Discriminator(verb_of),
    ]

CutPower.model_rebuild()
