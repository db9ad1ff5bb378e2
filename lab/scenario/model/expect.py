"""The step that compares observations with expectations."""

from fractions import Fraction
from typing import Annotated, Any, Final, Literal, Self

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
from lab.scenario.model.groups import CountingStep, Share, of_all

QUANTIFIERS: Final = frozenset({"all", "none", "at_least", "at_most"})
"""Fields that say for how many of the handsets an expectation must hold."""


class Expect(CountingStep):
    """Compare observations with these members. Each must hold for every handset. With `none`, `at-least` or `at-most`,
    all of them must hold together for so many handsets."""

    expect: Subject
    outcome: OneOf[Outcome] | None = Field(None, description="What the user sees.")
    usable: bool | None = Field(None, description="Whether the home screen is there, or one tap away.")
    screen: Annotated[ScreenExpected, Short("id")] | None = Field(None, description="The current screen.")
    state: StateExpected | None = Field(None, description="The states of the agent.")
    verdict: Annotated[VerdictExpected, Short("decision")] | None = Field(
        None, description="The newest accepted verdict."
    )
    no_verdict: bool | None = Field(None, description="Whether it has accepted none.")
    evidence: EvidenceExpected | None = Field(None, description="The newest evidence of the device.")
    requests: Annotated[RequestsExpected, Short("all")] | None = Field(
        None, description="The number of requests of the device."
    )
    timeline: Many[Annotated[EntryPattern, Short("what")]] | None = Field(
        None, description="Entries in this order, others between them."
    )
    never: Many[ObservationPattern] | None = Field(
        None,
        description="Observations that must not occur; all members of one hold together.",
    )
    always: Many[ObservationPattern] | None = Field(
        None, description="What every observation with these facts must match; members as in `never`."
    )
    was_locked: Annotated[tuple[LockedPeriod, ...], Field(strict=False)] | None = Field(
        None,
        description="Each period of the lock screen; `[]` for never.",
    )
    record: RecordExpected | None = Field(None, description="The server's record of the device.")
    audit: Many[Annotated[AuditExpected, Short("action")]] | None = Field(
        None, description="Entries of the audit log."
    )
    elapsed: Elapsed | None = Field(None, description="The time that passed.")
    since: Name | None = Field(
        None,
        description="Count `requests`, `timeline`, `never`, `always`, `evidence` and `audit` from this mark.",
    )

    all: Literal[True] | None = Field(None, description="For every handset, as by default.")
    none: Literal[True] | None = Field(None, description="For no handset.")
    at_most: Share | None = Field(None, description="For at most so many handsets: `3`, `1 %`.")

    @model_validator(mode="before")
    @classmethod
    def _no_blanks(cls, value: Any) -> Any:
        bare = {
            name: True for name in ("all", "none") if isinstance(value, dict) and value.get(name, 0) is None
        }
        return filled(value | bare if bare else value, "expect", "when", "note")

    @model_validator(mode="after")
    def _something(self) -> Self:
        written = self.model_fields_set - {"expect", "since", "when", "note"}
        if not written - QUANTIFIERS:
            raise ValueError("expects nothing; add a member, as in `outcome: locked`")
        if self.quantified and not written - QUANTIFIERS - {"audit", "elapsed"}:
            raise ValueError(
                "counts handsets, but expects nothing of them; add a member, as in `outcome: locked`"
            )
        if {"all", "none"} & written and len(QUANTIFIERS & written) > 1:
            raise ValueError(
                "says twice for how many handsets it holds; keep one of all, none, at-least and at-most"
            )
        return self

    @property
    def quantified(self) -> bool:
        """Whether the handsets are counted together: the file says for how many of them it holds."""
        return bool(QUANTIFIERS & self.model_fields_set)

    def bounds(self, count: int) -> tuple[Fraction, Fraction]:
        """The least and the greatest number of `count` handsets for which it must hold."""
        if self.none:
            return Fraction(0), Fraction(0)
        least, most = super().bounds(count)
        if self.at_most is not None:
            return least if self.at_least is not None else Fraction(0), of_all(self.at_most, count)
        return least, most
