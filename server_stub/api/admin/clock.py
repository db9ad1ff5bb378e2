"""The server's clock: acceptance after it was wrong."""

from typing import Any

from server_stub.api.admin.base_models import ResponseModel, WithReason
from server_stub.api.admin.problems import AdminCode, AdminError, responses
from server_stub.api.admin.route import resource
from server_stub.api.admin.writes import WriteDependency, WriteRequest, WriteResponse, written

router = resource("/clock")


class ClockAccepted(ResponseModel):
    """`time` was accepted, in seconds since the epoch. `clock` is the new number in the timestamp of the keys."""

    time: int
    clock: int


@router.post(
    "/accept",
    response_model=ClockAccepted,
    responses={**written(ClockAccepted, "The accepted time."), **responses(400, 404, 413, 415)},
)
def accept_clock(write: WriteDependency, body: WithReason) -> Any:
    """Take the server's clock as it is for right, and sign all metadata again. Devices go back to this time."""

    def operation(request: WriteRequest) -> WriteResponse:
        clock = request.context.clock_admin
        if clock is None:
            raise AdminError(404, AdminCode.NOT_FOUND, "this server publishes no key repository")
        accepted = clock.accept(request.store, reason=body.reason, by=request.actor)
        return WriteResponse(
            ClockAccepted(time=accepted.time, clock=accepted.clock), after_commit=clock.guard.accept
        )

    return write.execute(operation)
