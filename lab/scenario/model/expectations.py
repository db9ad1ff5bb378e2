"""The members of expectations: screens, verdicts, requests, entries of a timeline and others."""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from agent.core.screens import Action, ModemTrouble, ScreenId, Trouble
from agent.core.states import Attention, Exchange, Lock, Setup
from agent.screens import Direction, Symbol
from lab.handset.timeline import Who
from lab.scenario.model.claims import ClaimPath
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

    id: OneOf[ScreenId] | None = Field(None, description="Which screen.")
    title: Line | None = Field(None, description="Its exact title.")
    text: Texts | None = Field(
        None, description="Text that its title or a paragraph contains; all of several."
    )
    without_text: Texts | None = Field(None, description="Text that it does not contain; none of several.")
    actions: Annotated[tuple[Word[Action], ...], Field(strict=False)] | None = Field(
        None, description="Exactly these, in any order."
    )
    offers: OneOf[Action] | None = Field(None, description="Among its actions; all of several.")
    direction: Word[Direction] | None = Field(None, description="The direction of its text.")
    locale: Locale | None = Field(None, description="Its language.")
    symbol: Word[Symbol] | None = Field(None, description="The picture above its title.")
    dark: bool | None = Field(None, description="Light text on black.")
    trouble: OneOrNone[Trouble] | None = Field(None, description="The trouble that it shows, or `none`.")
    modem: OneOrNone[ModemTrouble] | None = Field(
        None, description="What it says about the modem, or `none`."
    )
    shows_challenge: bool | None = Field(None, description="Whether it shows a challenge for an unlock code.")
    shows_imei: bool | None = Field(None, description="Whether it shows IMEIs.")


class StateExpected(Expectation):
    """The states of the agent's machines, and what the agent remembers."""

    setup: OneOf[Setup] | None = None
    exchange: OneOf[Exchange] | None = None
    lock: OneOf[Lock] | None = None
    attention: OneOf[Attention] | None = None
    trouble: OneOrNone[Trouble] | None = Field(None, description="The last trouble, or `none`.")
    modem: OneOrNone[ModemTrouble] | None = Field(
        None, description="Why the newest reading of the modem lacks a part, or `none`."
    )
    locale: Locale | None = None
    terms: Line | None = Field(None, description="The version of the terms that was accepted.")
    policy_version: int | None = Field(None, description="The highest policy version that it has seen.")
    serial: Count | None = Field(None, description="The serial of the newest verdict that it accepted.")
    trusted_time: Span | None = Field(None, description="How far its trusted time is behind the true time.")
    trusted_time_ahead: Span | None = Field(
        None, description="How far its trusted time is ahead of the true time."
    )


class VerdictExpected(Expectation):
    """The newest verdict that the device verified and accepted."""

    decision: OneOf[Decision] | None = None
    reason: OneOf[Reason] | None = None
    rule: OneOf[Line] | None = None
    policy: Line | None = Field(None, description="The id of the policy that decided.")
    policy_version: int | None = None
    territory: OneOf[Line] | None = Field(None, description="An ISO 3166 code, or `none`.")
    trust: OneOf[TrustTier] | None = None
    message: OneOf[MessageKey] | None = None
    case: bool | None = Field(None, description="Whether it carries a case number.")
    check_in: Span | None = Field(None, description="The time until the next check-in.")
    offline_limit: Span | None = None
    not_before_lock: Moment | None = None


class EvidenceExpected(Expectation):
    """The newest evidence that the device sent."""

    intent: Word[Intent] | None = None
    claims: dict[ClaimPath, Scalar] | None = Field(
        None,
        description="Claims by dotted paths, items of lists from 0: `telephony.sims.0.mcc`; docs/developers/wire.md.",
    )
    without: Many[ClaimPath] | None = Field(None, description="Dotted paths of claims that are absent.")


class RequestsExpected(Expectation):
    """How many requests the device sent. Those that are not named can be any number."""

    all: Count | None = None
    challenges: Count | None = None
    verdicts: Count | None = None
    keys: Count | None = None


class EntryPattern(Expectation):
    """An entry of the timeline. `what` can have wildcards: `POST *`."""

    what: Line
    who: Word[Who] | None = None
    detail: dict[str, Scalar] | None = Field(
        None, description="Details by their dotted paths, with wildcards."
    )


class ObservationPattern(Expectation):
    """One observation: everything that is given must hold at the same moment."""

    screen: OneOf[ScreenId] | None = None
    offers: Word[Action] | None = Field(None, description="An action on the screen.")
    text: Line | None = Field(None, description="Text that the screen contains.")
    direction: Word[Direction] | None = None
    setup: OneOf[Setup] | None = None
    lock: OneOf[Lock] | None = None
    trouble: OneOf[Trouble] | None = None
    decision: OneOf[Decision] | None = Field(None, description="Of a verdict that the device accepted.")
    reason: OneOf[Reason] | None = None
    rule: OneOf[Line] | None = None
    request: OneOf[Line] | None = Field(
        None, description="A path with wildcards, optionally after its method: `/tuf/*`, `POST *`."
    )

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

    after: Moment | None = Field(None, description="It began at this moment or later.")
    before: Moment | None = Field(None, description="It began before.")
    lifted_after: Moment | None = Field(None, description="It ended at this moment or later.")
    lifted_before: Moment | None = Field(None, description="It ended before.")
    lifted: bool | None = Field(None, description="Whether it ended at all.")


class AuditExpected(Expectation):
    """Entries of the server's audit log."""

    action: Line = Field(description="A dotted name, with wildcards: `device.*`.")
    of: Name | None = Field(None, description="The handset of the entry.")
    subject: Line | None = None
    by: Line | None = Field(None, description="Who did it.")
    reason: Line | None = None
    count: Count = Field(
        Bounds.model_validate({"at-least": 1}), description="How many; at least one by default."
    )

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if self.of is not None and self.subject is not None:
            raise ValueError("names its subject twice; use `of` or `subject`")
        return self


class Elapsed(Span):
    """How much time passed."""

    since: Name | None = Field(None, description="From this mark; without one, from the first step.")


class RecordExpected(Expectation):
    """The server's record of the device."""

    known: bool | None = None
    activation_territory: Line | None = Field(None, description="An ISO 3166 code, or `none`.")
    sale_region: Line | None = None
    override: Word[Decision] | Nothing | None = Field(
        None, description="What an operator decided, or `none`."
    )
    locked: bool | None = Field(None, description="Whether its newest verdict locks the device.")
