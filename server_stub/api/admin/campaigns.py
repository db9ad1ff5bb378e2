"""Campaigns: measures with a beginning and an end, by a policy's word or by an operator's, which goes before it."""

from typing import Annotated, Any

from fastapi import Path

from server_stub.api.admin.base_models import Missing, Moment, ResponseModel, WithReason
from server_stub.api.admin.problems import responses
from server_stub.api.admin.route import Parts, resource
from server_stub.api.admin.writes import WriteDependency, WriteRequest, WriteResponse, written
from server_stub.policy.document import CampaignState
from server_stub.policy.policy import Period
from server_stub.store.records import CampaignPeriod
from wire.model import Code

router = resource("/campaigns")

Id = Annotated[Code, Path(alias="id", description="The campaign's id, as policies name it.")]


class Timed(WithReason):
    """`at` is when, in seconds since the epoch; now if it is left out."""

    at: Moment | Missing = None


class Begun(Timed):
    """`id` is a campaign of the policy in force."""

    id: Code


class CampaignShown(ResponseModel):
    """A campaign. `by` and `reason` are null where only the document speaks; `ends` is null for no end yet."""

    id: str
    begins: int
    ends: int | None
    state: CampaignState
    by: str | None
    reason: str | None


class CampaignList(ResponseModel):
    """The campaigns of the policy in force."""

    items: list[CampaignShown]


@router.get("", responses=responses())
def list_campaigns(parts: Parts) -> CampaignList:
    """The campaigns of the policy in force, with when they run."""
    now = parts.clock()
    with parts.store.reading() as reading:
        words = {word.id: word for word in reading.campaigns()}
    periods = parts.policy_admin(parts.store).campaigns()
    return CampaignList(
        items=[_shown(name, period, words.get(name), now) for name, period in periods.items()]
    )


@router.post(
    "",
    status_code=201,
    response_model=CampaignShown,
    responses={**written(CampaignShown, "It runs from then on.", 201), **responses(400, 404, 409, 413, 415)},
)
def start(task: WriteDependency, wish: Begun) -> Any:
    """Begin a campaign, whatever the document says of its dates."""
    return task.execute(lambda errand: _start(errand, wish))


@router.post(
    "/{id}/lift",
    response_model=CampaignShown,
    responses={**written(CampaignShown, "It ends then."), **responses(400, 404, 409, 413, 415)},
)
def lift(task: WriteDependency, campaign_id: Id, wish: Timed) -> Any:
    """Lift a campaign."""
    return task.execute(lambda errand: _lift(errand, campaign_id, wish))


def _start(errand: WriteRequest, wish: Begun) -> WriteResponse:
    desk = errand.parts.policy_admin(errand.store)
    period = desk.start_campaign(wish.id, errand.actor, wish.reason, wish.at)
    return WriteResponse(_said(period, errand.parts.clock()), 201)


def _lift(errand: WriteRequest, campaign_id: str, wish: Timed) -> WriteResponse:
    desk = errand.parts.policy_admin(errand.store)
    period = desk.lift_campaign(campaign_id, errand.actor, wish.reason, wish.at)
    return WriteResponse(_said(period, errand.parts.clock()))


def _said(word: CampaignPeriod, now: int) -> CampaignShown:
    return _shown(word.id, Period(word.begins, word.ends), word, now)


def _shown(name: str, period: Period, word: CampaignPeriod | None, now: int) -> CampaignShown:
    return CampaignShown(
        id=name,
        begins=period.begins,
        ends=period.ends,
        state=period.state(now),
        by=word.by if word else None,
        reason=word.reason if word else None,
    )
