"""The investigation: the origin of the devices activated in prohibited territories, as counts without pseudonyms."""

from typing import Annotated

from fastapi import Query

from server_stub.api.admin.base_models import ResponseModel
from server_stub.api.admin.problems import responses
from server_stub.api.admin.route import Context, resource
from server_stub.investigation.analysis import SMALLEST, Interval, OriginTable, Week
from server_stub.investigation.queries import investigate_store

router = resource("/investigation")

_SMALLEST_MAX = 1000


class InvestigationShown(ResponseModel):
    """The result for all devices whose activation is known."""

    activated: int
    prohibited: int
    interval: Interval
    territories: dict[str, int]
    tables: tuple[OriginTable, ...]
    weeks: tuple[Week, ...]
    smallest: int


@router.get("", responses=responses())
def get_investigation(
    context: Context,
    smallest: Annotated[
        int, Query(ge=1, le=_SMALLEST_MAX, description="Values of fewer devices have no own row.")
    ] = SMALLEST,
) -> InvestigationShown:
    """Investigate by the policy in force. The result contains no pseudonym of a device."""
    found = investigate_store(context.store, context.service.policy, smallest=smallest)
    return InvestigationShown.model_validate(found)
