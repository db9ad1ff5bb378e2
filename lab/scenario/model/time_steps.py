"""Steps that let time pass, or mark a moment."""

from pydantic import Field

from lab.scenario.model.expectations import ObservationPattern
from lab.scenario.model.field_types import Duration, Moment, Name, Subject
from lab.scenario.model.step import HandsetStep, Step


class WaitFor(HandsetStep):
    """Let time pass until something can be observed. Fails if that takes too long."""

    wait_for: Subject
    see: ObservationPattern
    at_most: Duration = Field(30 * 86_400.0, description="At most this long; 30 days by default.")


class Wait(Step):
    """Let time pass. Devices act on their alarms."""

    wait: Duration


class WaitUntil(Step):
    """Let time pass up to a moment."""

    wait_until: Moment


class Mark(Step):
    """Give this moment a name."""

    mark: Name
