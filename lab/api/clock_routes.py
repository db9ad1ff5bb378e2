"""The test clock: read and move."""

from typing import Annotated, Final

from pydantic import Field

from lab.api.clock import ClockBackwardsError
from lab.api.context import PREFIX, Lab
from lab.manufacturer.key_ceremony import FIRST_ROOT_EXPIRES
from server_stub.api.admin.base_models import Line, RequestModel, ResponseModel
from server_stub.api.admin.problems import AdminCode, AdminError, responses
from server_stub.api.admin.route import resource
from server_stub.api.admin.writes import WriteRequest, write_route

router = resource("/clock", prefix=PREFIX)

LATEST: Final = int(FIRST_ROOT_EXPIRES.timestamp()) - 1
"""The latest time of the test clock: the lab's certificates and first root expire then."""


class LabTime(ResponseModel):
    """`now` is the time of the server in seconds since the epoch, `ahead` how far it is ahead of the real time."""

    now: int
    ahead: int


class LabTimeMove(RequestModel):
    """`now` is the time to show, in seconds since the epoch; `reason` is for the audit log."""

    now: Annotated[int, Field(ge=0, le=LATEST, examples=[1_900_000_000])]
    reason: Line = "moved for a test"


@router.get("", responses=responses())
def get_test_clock(lab: Lab) -> LabTime:
    """The test clock, which goes on like the real one."""
    ahead = lab.clock.ahead()
    return LabTime(now=int(lab.clock.read().wall), ahead=ahead)


@write_route(router, "", LabTime, {200: "The test clock as it is now."}, 409, method="PUT")
def set_test_clock(request: WriteRequest, lab: Lab, body: LabTimeMove) -> LabTime:
    """Move the test clock forward, for all processes on the database; 409 `clock-backwards` for an earlier time."""
    try:
        ahead = lab.clock.move(request.store, body.now, reason=body.reason, by=request.actor)
    except ClockBackwardsError as error:
        raise AdminError(409, AdminCode.CLOCK_BACKWARDS, str(error)) from error
    return LabTime(now=body.now, ahead=ahead)
