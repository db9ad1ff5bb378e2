"""Steps that let time pass, mark a moment, or store values of the world."""

from typing import Annotated

from pydantic import Field

from lab.scenario.model.captured import Source
from lab.scenario.model.expectations import ObservationPattern
from lab.scenario.model.field_types import Duration, Moment, Name, Subject
from lab.scenario.model.groups import CountingStep
from lab.scenario.model.step import Step


class WaitFor(CountingStep):
    """Let time pass until an observation, or fail."""

    wait_for: Subject
    see: ObservationPattern = Field(description="Members as in `never`.")
    at_most: Duration = Field(30 * 86_400.0, description="30 days by default.")


class Wait(Step):
    """Let this much time pass."""

    wait: Duration


class WaitUntil(Step):
    """Let time pass up to this moment."""

    wait_until: Moment


class Mark(Step):
    """Give this moment a name."""

    mark: Name


class Capture(Step):
    """Store values under names, for `${name}` in later steps and expectations."""

    capture: Annotated[dict[Name, Source], Field(min_length=1)] = Field(
        description="Values by their new names, as in `{case: verdict.case}`."
    )
    of: Name | None = Field(None, description="The handset, if there are several.")
