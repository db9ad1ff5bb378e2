"""The members of expectations: screens, verdicts, requests, entries of a timeline and others."""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from agent.core.screens import Action, ModemTrouble, ScreenId, Trouble
from agent.core.states import Attention, Exchange, Lock, Setup
from agent.screens import Direction, Symbol
from lab.handset.timeline import Who
from lab.scenario.model.claims import ClaimPath
from lab.scenario.model.coercions import Unwrapped
from lab.scenario.model.field_types import (
    Bounds,
    Count,
    Expectation,
    Line,
    Locale,
    Many,
    Moment,
    Name,
    Nothing,
    OneOf,
    OneOrNone,
    Scalar,
    Span,
    Table,
    Word,
)
from wire.codes import Decision, Intent, MessageKey, Reason, TrustTier

Texts = Many[Line]


class ScreenExpected(Expectation):
    """The current screen. Members that are left out can have any value."""

    id: OneOf[ScreenId] | None = Field(None, description="Its id.")
    title: Line | None = Field(None, description="Its exact title.")
    text: Texts | None = Field(None, description="Text in its title or a paragraph; all of several.")
    without_text: Texts | None = Field(None, description="Text that is not there; none of several.")
    actions: Annotated[tuple[Word[Action], ...], Field(strict=False)] | None = Field(
        None, description="All its buttons, in any order."
    )
    offers: OneOf[Action] | None = Field(None, description="Some of its buttons; all of several.")
    direction: Word[Direction] | None = Field(None, description="Of its text.")
    locale: Locale | None = Field(None, description="Its language.")
    symbol: Word[Symbol] | None = Field(None, description="The picture above its title.")
    dark: bool | None = Field(None, description="Light text on black.")
    trouble: OneOrNone[Trouble] | None = Field(None, description="The newest, or `none`.")
    modem: OneOrNone[ModemTrouble] | None = Field(
        None, description="The newest fault of the modem, or `none`."
    )
    shows_challenge: bool | None = Field(None, description="Whether it shows a challenge.")
    shows_imei: bool | None = Field(None, description="Whether it shows IMEIs.")


class StateExpected(Expectation):
    """The states of the agent's machines, and what the agent remembers."""

    setup: OneOf[Setup] | None = None
    exchange: OneOf[Exchange] | None = None
    lock: OneOf[Lock] | None = None
    attention: OneOf[Attention] | None = None
    trouble: OneOrNone[Trouble] | None = Field(None, description="The newest, or `none`.")
    modem: OneOrNone[ModemTrouble] | None = Field(
        None, description="The newest fault of the modem, or `none`."
    )
    locale: Locale | None = Field(None, description="Its language.")
    terms: Line | None = Field(None, description="The accepted version of the terms.")
    policy_version: int | None = Field(None, description="The highest that the device has seen.")
    serial: Count | None = Field(None, description="Of the newest accepted verdict.")
    trusted_time: Span | None = Field(None, description="How far it is behind.")
    trusted_time_ahead: Span | None = Field(None, description="How far it is ahead.")


class VerdictExpected(Expectation):
    """The newest verdict that the device verified and accepted."""

    decision: OneOf[Decision] | None = None
    reason: OneOf[Reason] | None = None
    rule: OneOf[Line] | None = Field(None, description="Of the policy.")
    policy: Line | None = Field(None, description="The id of the policy.")
    policy_version: int | None = Field(None, description="Of the policy.")
    territory: OneOf[Line] | None = Field(None, description="An ISO 3166 code, or `none`.")
    trust: OneOf[TrustTier] | None = None
    message: OneOf[MessageKey] | None = None
    case: bool | None = Field(None, description="Whether it has a case number.")
    check_in: Span | None = Field(None, description="Its duration.")
    offline_limit: Span | None = Field(None, description="Its duration.")
    not_before_lock: Moment | None = Field(None, description="The time of an announced lock.")


class EvidenceExpected(Expectation):
    """The newest evidence that the device sent."""

    intent: Word[Intent] | None = None
    claims: dict[ClaimPath, Scalar] | None = Field(
        None,
        description="Claims by dotted paths, items of lists from 0: `telephony.sims.0.mcc`.",
    )
    without: Many[ClaimPath] | None = Field(None, description="Paths of absent claims.")


class RequestsExpected(Expectation):
    """How many requests the device sent. Those that are not named can be any number."""

    all: Count | None = Field(None, description="How many.")
    challenges: Count | None = Field(None, description="How many.")
    verdicts: Count | None = Field(None, description="How many.")
    keys: Count | None = Field(None, description="How many.")


class EntryPattern(Expectation):
    """An entry of the timeline."""

    what: Line = Field(description="Its name, with wildcards: `POST *`.")
    who: Word[Who] | None = None
    detail: dict[str, Scalar] | None = Field(None, description="By dotted paths, with wildcards.")


class ObservationPattern(Expectation):
    """One observation: everything that is given must hold at the same moment."""

    screen: Annotated[OneOf[ScreenId], Unwrapped("id")] | None = None
    offers: Word[Action] | None = Field(None, description="A button of the screen.")
    text: Line | None = Field(None, description="Text on the screen.")
    direction: Word[Direction] | None = None
    setup: OneOf[Setup] | None = None
    lock: OneOf[Lock] | None = None
    trouble: OneOf[Trouble] | None = None
    decision: OneOf[Decision] | None = Field(None, description="Of an accepted verdict.")
    reason: OneOf[Reason] | None = None
    rule: OneOf[Line] | None = Field(None, description="Of the policy.")
    request: OneOf[Line] | None = Field(None, description="With wildcards: `/tuf/*`, `POST *`.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        wanted = self.model_fields_set
        if not wanted:
            raise ValueError("says nothing to look for; add a member, as in `screen: locked`")
        if not any(wanted <= seen for seen in AT_ONCE):
            names = " and ".join(sorted(wanted))
            raise ValueError(
                f"no observation has {names} together; it is a screen, a request or a verdict, with setup and lock"
            )
        return self


_MACHINES: Final = {"setup", "lock"}

AT_ONCE: Final = (
    {"screen", "offers", "text", "direction", "trouble"} | _MACHINES,
    {"request", "trouble"} | _MACHINES,
    {"decision", "reason", "rule"} | _MACHINES,
)
"""The facts of one observation: of a screen, a request, or a verdict that was accepted."""


class LockedPeriod(Table):
    """A period in which the lock screen was shown."""

    after: Moment | None = Field(None, description="It began then or later.")
    before: Moment | None = Field(None, description="It began before.")
    lifted_after: Moment | None = Field(None, description="It ended then or later.")
    lifted_before: Moment | None = Field(None, description="It ended before.")
    lifted: bool | None = Field(None, description="Whether it ended.")


class AuditExpected(Expectation):
    """Entries of the server's audit log."""

    action: Line = Field(description="With wildcards: `device.*`.")
    of: Name | None = Field(None, description="The handset of the entry.")
    subject: Line | None = Field(None, description="A subject that is no handset.")
    by: Line | None = Field(None, description="The operator.")
    reason: Line | None = Field(None, description="As it was given.")
    count: Count = Field(
        Bounds.model_validate({"at-least": 1}), description="How many; one or more by default."
    )

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if self.of is not None and self.subject is not None:
            raise ValueError("names its subject twice; use `of` or `subject`")
        return self


class Elapsed(Span):
    """How much time passed."""

    since: Name | None = Field(None, description="From this mark; from the first step by default.")


class RecordExpected(Expectation):
    """The server's record of the device."""

    known: bool | None = Field(None, description="Whether there is one.")
    activation_territory: Line | None = Field(None, description="An ISO 3166 code, or `none`.")
    sale_region: Line | None = Field(None, description="As shipped.")
    override: Word[Decision] | Nothing | None = Field(
        None, description="The decision of an operator, or `none`."
    )
    locked: bool | None = Field(None, description="Whether the newest verdict locks.")
