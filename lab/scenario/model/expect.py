"""The step that compares observations with expectations."""

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
    """Compare what can be observed with these members. Every member must hold for each handset."""

    expect: Subject
    outcome: OneOf[Outcome] | None = Field(None, description="What a person sees on the device.")
    usable: bool | None = Field(
        None, description="Whether the user is on the home screen, or one tap away from it."
    )
    screen: Annotated[ScreenExpected, Short("id")] | None = Field(None, description="The current screen.")
    state: StateExpected | None = Field(None, description="The states of the agent's machines.")
    verdict: Annotated[VerdictExpected, Short("decision")] | None = Field(
        None, description="The newest verdict that the device accepted."
    )
    no_verdict: bool | None = Field(None, description="Whether the device has accepted no verdict so far.")
    evidence: EvidenceExpected | None = Field(None, description="The newest evidence that the device sent.")
    requests: Annotated[RequestsExpected, Short("all")] | None = Field(
        None, description="How many requests the device has sent."
    )
    timeline: Many[Annotated[EntryPattern, Short("what")]] | None = Field(
        None, description="Entries that are in the timeline in this order; others may be between them."
    )
    never: Many[ObservationPattern] | None = Field(None, description="What no observation matches.")
    always: Many[ObservationPattern] | None = Field(
        None, description="What every observation with these facts matches: every screen, verdict or request."
    )
    was_locked: Annotated[tuple[LockedPeriod, ...], Field(strict=False)] | None = Field(
        None,
        description="When the lock screen was shown, one entry for each period; an empty list for never.",
    )
    record: RecordExpected | None = Field(None, description="The server's record of the device.")
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
            raise ValueError("expects nothing; add a member, as in `outcome: locked`")
        return self
