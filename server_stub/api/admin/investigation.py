"""The investigation: where the phones came from that were activated in prohibited territories. Counts, and no names."""

from typing import Annotated

from fastapi import Query

from server_stub.api.admin.base_models import ResponseModel
from server_stub.api.admin.problems import responses
from server_stub.api.admin.route import Parts, resource
from server_stub.investigation.analysis import SMALLEST, Dimension, Finding
from server_stub.investigation.queries import InvestigationQueries

router = resource("/investigation")

_SMALLEST_MAX = 1000


class IntervalShown(ResponseModel):
    """Where a share surely lies: the Wilson score interval at 95 percent, between 0 and 1."""

    low: float
    high: float


class ShareShown(ResponseModel):
    """One value: its activated phones, those activated in prohibited territories, their share, and their part of all.

    `finding` says whether the value stands out against all others beyond chance.
    """

    value: str
    activated: int
    prohibited: int
    rate: float
    interval: IntervalShown
    of_all: float
    finding: Finding


class TableShown(ResponseModel):
    """The values of one dimension. `known` of `activated` phones have one; `folded` values are told in `rest`."""

    dimension: Dimension
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
    """The answer, over all phones whose activation is known."""

    activated: int
    prohibited: int
    interval: IntervalShown
    territories: dict[str, int]
    tables: list[TableShown]
    weeks: list[WeekShown]
    smallest: int


@router.get("", responses=responses())
def investigation(
    parts: Parts,
    smallest: Annotated[
        int, Query(ge=1, le=_SMALLEST_MAX, description="Values of fewer phones have no row of their own.")
    ] = SMALLEST,
) -> InvestigationShown:
    """Investigate by the policy that is in force. No phone is named, by a pseudonym neither."""
    found = InvestigationQueries(parts.store, parts.service.policy).investigate(smallest=smallest)
    return InvestigationShown.model_validate(found)
