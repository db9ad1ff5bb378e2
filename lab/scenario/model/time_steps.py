"""Steps that let time pass, mark a moment, or store values of the world."""

from typing import Annotated

from pydantic import Field

from lab.scenario.model.captured import Source
from lab.scenario.model.expectations import ObservationPattern
from lab.scenario.model.field_types import Duration, Moment, Name, Subject
from lab.scenario.model.groups import CountingStep
from lab.scenario.model.step import Step


class WaitFor(CountingStep):
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


class Capture(Step):
    """Store values of the world under names; later steps and expectations use them as `${name}`."""

    capture: Annotated[dict[Name, Source], Field(min_length=1)] = Field(
        description="Values by their new names: `challenge`, `code` (the newest unlock code), `imei`, `nonce` (of the "
        "newest evidence), `time`, `screen.text`, `state.lock`, `state.serial`, `record.override`, `verdict.case`, "
        "`verdict.jti`, `verdict.policy.id`, `evidence.telephony.sims.0.mcc` and others like them."
    )
    of: Name | None = Field(None, description="The handset; the only one by default.")
