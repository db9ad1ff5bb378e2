"""Campaigns: measures with a begin and an end, set by the policy document or by an operator, who takes precedence."""

from typing import Annotated, Any

from fastapi import Path

from server_stub.api.admin.base_models import Missing, Moment, ResponseModel, WithReason
from server_stub.api.admin.problems import responses
from server_stub.api.admin.route import Context, resource
from server_stub.api.admin.writes import WriteDependency, WriteRequest, WriteResponse, written
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


@router.post(
    "",
    status_code=201,
    response_model=CampaignShown,
    responses={
        **written(CampaignShown, "The campaign runs from `begins` on.", 201),
        **responses(400, 404, 409, 413, 415),
    },
)
def start_campaign(write: WriteDependency, body: Begun) -> Any:
    """Begin a campaign, regardless of the dates in the document."""

    def operation(request: WriteRequest) -> WriteResponse:
        policies = request.context.policy_admin(request.store)
        return _response(request, policies.start_campaign(body.id, request.actor, body.reason, body.at), 201)

    return write.execute(operation)


@router.post(
    "/{id}/lift",
    response_model=CampaignShown,
    responses={
        **written(CampaignShown, "The campaign ends at `ends`."),
        **responses(400, 404, 409, 413, 415),
    },
)
def lift_campaign(write: WriteDependency, campaign_id: Id, body: Timed) -> Any:
    """End a campaign."""

    def operation(request: WriteRequest) -> WriteResponse:
        policies = request.context.policy_admin(request.store)
        return _response(request, policies.lift_campaign(campaign_id, request.actor, body.reason, body.at))

    return write.execute(operation)


def _response(request: WriteRequest, set_by: CampaignPeriod, status: int = 200) -> WriteResponse:
    period = Period(set_by.begins, set_by.ends)
    return WriteResponse(_campaign(set_by.id, period, set_by, request.context.clock()), status)


def _campaign(name: str, period: Period, set_by: CampaignPeriod | None, now: int) -> CampaignShown:
    return CampaignShown(
        id=name,
        begins=period.begins,
        ends=period.ends,
        state=period.state(now),
        by=set_by.by if set_by else None,
        reason=set_by.reason if set_by else None,
    )
