"""The step that judges: everything that a person could observe."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from lab.handset.outcome import Outcome
from lab.scenario.model.coercions import Short
from lab.scenario.model.expectations import (
    AuditExpected,
    Elapsed,
    EntryPattern,
    EvidenceExpected,
    LockedPeriod,
    ObservationPattern,
    RecordExpected,
    RequestsExpected,
    ScreenExpected,
    StateExpected,
    VerdictExpected,
)
from lab.scenario.model.field_types import Many, Name, OneOf, Subject, filled
from lab.scenario.model.step import HandsetStep


class Expect(HandsetStep):
    """Hold what a person could observe against what is written here. Every member must hold for each handset."""

    expect: Subject
    outcome: OneOf[Outcome] | None = Field(None, description="What a person in front of the phone sees.")
    usable: bool | None = Field(None, description="Whether the user is at home, or one tap away from it.")
    screen: Annotated[ScreenExpected, Short("id")] | None = Field(None, description="The screen that stands.")
    state: StateExpected | None = Field(None, description="Where the machines of the agent stand.")
    verdict: Annotated[VerdictExpected, Short("decision")] | None = Field(
        None, description="The newest verdict that the phone took."
    )
    no_verdict: bool | None = Field(None, description="Whether the phone has taken no verdict so far.")
    evidence: EvidenceExpected | None = Field(None, description="The newest evidence that the phone sent.")
    requests: Annotated[RequestsExpected, Short("all")] | None = Field(
        None, description="How many requests have left the phone."
    )
    timeline: Many[Annotated[EntryPattern, Short("what")]] | None = Field(
        None, description="Entries that are there in this order, with others in between."
    )
    never: Many[ObservationPattern] | None = Field(None, description="What there never was.")
    always: Many[ObservationPattern] | None = Field(
        None, description="What held whenever it could: on every screen, in every verdict, in every request."
    )
    was_locked: Annotated[tuple[LockedPeriod, ...], Field(strict=False)] | None = Field(
        None, description="When the lock screen stood, one entry a stretch; an empty list for never."
    )
    record: RecordExpected | None = Field(None, description="What the server knows of the phone.")
    audit: Many[Annotated[AuditExpected, Short("action")]] | None = Field(
        None, description="Entries of the server's audit log."
    )
    elapsed: Elapsed | None = Field(None, description="How much time passed.")
    since: Name | None = Field(
        None, description="Count requests, timeline, never, always, evidence and audit from this mark on."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_blanks(cls, value: Any) -> Any:
        return filled(value, "expect", "when", "note")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set - {"expect", "since", "when", "note"}:
            raise ValueError("expects nothing; say what, as in `outcome: locked`")
        return self
