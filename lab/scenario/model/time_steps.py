"""Steps in which time passes, or is remembered."""

from pydantic import Field

from lab.scenario.model.expectations import ObservationPattern
from lab.scenario.model.field_types import Duration, Moment, Name, Subject
from lab.scenario.model.step import HandsetStep, Step


class WaitFor(HandsetStep):
    """Let time pass until something is there. It fails where that takes too long."""

    wait_for: Subject
    see: ObservationPattern
    at_most: Duration = Field(30 * 86_400.0, description="For so long at most; for 30 days by default.")


class Wait(Step):
    """Let time pass, with every alarm in it."""

    wait: Duration


class WaitUntil(Step):
    """Let time pass up to a moment."""

    wait_until: Moment


class Mark(Step):
    """Remember this moment under a name."""

    mark: Name
