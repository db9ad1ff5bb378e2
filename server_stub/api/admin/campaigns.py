"""Campaigns: measures with a begin and an end, set by the policy document or by an operator, who takes precedence."""

from typing import Annotated

from fastapi import Path

from server_stub.api.admin.base_models import Missing, Moment, ResponseModel, WithReason
from server_stub.api.admin.problems import responses
from server_stub.api.admin.route import Context, resource
from server_stub.api.admin.writes import WriteRequest, write_route
from server_stub.policy.document import CampaignState
from server_stub.policy.policy import Period
from server_stub.store.records import CampaignPeriod
from wire.model import Code

router = resource("/campaigns")

Id = Annotated[Code, Path(alias="id", description="The id of the campaign in policies.")]


class Timed(WithReason):
    """`at` is in seconds since the epoch, now by default."""

    at: Moment | Missing = None


class Begun(Timed):
    """`id` is a campaign of the policy in force."""

    id: Code


class CampaignShown(ResponseModel):
    """A campaign. `by` and `reason` are null unless an operator set it; `ends` is null if no end is set."""

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
def list_campaigns(context: Context) -> CampaignList:
    """The campaigns of the policy in force and their periods."""
    now = context.clock()
    with context.store.reading() as reading:
        operators = {period.id: period for period in reading.campaigns()}
    periods = context.policy_admin(context.store).campaigns()
    return CampaignList(
        items=[_campaign(name, period, operators.get(name), now) for name, period in periods.items()]
    )


@write_route(router, "", CampaignShown, {201: "The campaign runs from `begins` on."}, 404, 409)
def start_campaign(request: WriteRequest, body: Begun) -> CampaignShown:
    """Begin a campaign, regardless of the dates in the document."""
    period = request.policies.start_campaign(body.id, request.actor, body.reason, body.at)
    return _declared(period, request.context.clock())


@write_route(router, "/{id}/lift", CampaignShown, {200: "The campaign ends at `ends`."}, 404, 409)
def lift_campaign(request: WriteRequest, campaign_id: Id, body: Timed) -> CampaignShown:
    """End a campaign."""
    period = request.policies.lift_campaign(campaign_id, request.actor, body.reason, body.at)
    return _declared(period, request.context.clock())


def _declared(set_by: CampaignPeriod, now: int) -> CampaignShown:
    return _campaign(set_by.id, Period(set_by.begins, set_by.ends), set_by, now)


def _campaign(name: str, period: Period, set_by: CampaignPeriod | None, now: int) -> CampaignShown:
    return CampaignShown(
        id=name,
        begins=period.begins,
        ends=period.ends,
        state=period.state(now),
        by=set_by.by if set_by else None,
        reason=set_by.reason if set_by else None,
    )
