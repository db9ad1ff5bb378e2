"""The investigation: the origin of the devices activated in prohibited territories, as counts without pseudonyms."""

from typing import Annotated

from fastapi import Query

from server_stub.api.admin.base_models import ResponseModel
from server_stub.api.admin.problems import responses
from server_stub.api.admin.route import Context, resource
from server_stub.investigation.analysis import SMALLEST, OriginDimension, ShareFinding
from server_stub.investigation.queries import InvestigationQueries

router = resource("/investigation")

_SMALLEST_MAX = 1000


class IntervalShown(ResponseModel):
    """The Wilson score interval of a share at 95 percent, between 0 and 1."""

    low: float
    high: float


class ShareShown(ResponseModel):
    """One value: its activated devices, those activated in prohibited territories, their share, and their part of all.

    `finding` says whether the share differs from that of all other values by more than chance.
    """

    value: str
    activated: int
    prohibited: int
    rate: float
    interval: IntervalShown
    of_all: float
    finding: ShareFinding


class TableShown(ResponseModel):
    """The values of one dimension. `known` of `activated` devices have one; `rest` sums up `folded` small values."""

    dimension: OriginDimension
    activated: int
    known: int
    shares: list[ShareShown]
    folded: int
    rest: ShareShown | None


class WeekShown(ResponseModel):
    """Activations in prohibited territories in the week from Monday `begins`, an ISO 8601 date in UTC."""

    begins: str
    territories: dict[str, int]


class InvestigationShown(ResponseModel):
    """The result for all devices whose activation is known."""

    activated: int
    prohibited: int
    interval: IntervalShown
    territories: dict[str, int]
    tables: list[TableShown]
    weeks: list[WeekShown]
    smallest: int


@router.get("", responses=responses())
def get_investigation(
    context: Context,
    smallest: Annotated[
        int, Query(ge=1, le=_SMALLEST_MAX, description="Values of fewer devices have no own row.")
    ] = SMALLEST,
) -> InvestigationShown:
    """Investigate by the policy in force. The result contains no pseudonym of a device."""
    queries = InvestigationQueries(context.store, context.service.policy)
    return InvestigationShown.model_validate(queries.investigate(smallest=smallest))
