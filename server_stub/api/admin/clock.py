"""The server's clock: acceptance after it was wrong."""

from server_stub.api.admin.base_models import ResponseModel, WithReason
from server_stub.api.admin.problems import AdminCode, AdminError
from server_stub.api.admin.route import resource
from server_stub.api.admin.writes import WriteRequest, write_route

router = resource("/clock")


class ClockAccepted(ResponseModel):
    """`time` was accepted, in seconds since the epoch. `clock` is the new number in the timestamp of the keys."""

    time: int
    clock: int


@write_route(router, "/accept", ClockAccepted, {200: "The accepted time."}, 404)
def accept_clock(request: WriteRequest, body: WithReason) -> ClockAccepted:
    """Take the server's clock as it is for right, and sign all metadata again. Devices go back to this time."""
    clock = request.context.clock_admin
    if clock is None:
        raise AdminError(404, AdminCode.NOT_FOUND, "this server publishes no key repository")
    time, number = clock.accept(request.store, reason=body.reason, by=request.actor)
    return ClockAccepted(time=time, clock=number)
