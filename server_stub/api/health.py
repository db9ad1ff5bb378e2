"""Routes for the operation of the server: liveness, readiness and metrics."""

from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from server_stub.api.error_responses import error_response
from server_stub.api.metrics import CONTENT_TYPE, METRICS_PATH, Metrics
from server_stub.api.problems import refusal
from server_stub.verdicts.outage import Outage
from server_stub.verdicts.service import ServiceError

if TYPE_CHECKING:
    from server_stub.api.readiness import Readiness

_READINESS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The server is ready."},
    503: error_response(f"unavailable; `reason` is one of {', '.join(Outage)}", "NotReady"),
}


router: Final = APIRouter(tags=["health"])


@router.get("/healthz", responses={200: {"description": "The server runs."}})
async def get_health() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


@router.get("/readyz", responses=_READINESS, response_model=dict[str, str | bool])
async def get_readiness(request: Request) -> Any:
    """The clock is right, a key may sign and is published, and the store has just been written durably."""
    readiness: Readiness = request.app.state.readiness
    metrics: Metrics = request.app.state.metrics
    extension: str | None = request.app.state.extension
    try:
        await readiness.check()
    except ServiceError as error:
        metrics.ready.set(0)
        return refusal(request, error, str(error.outage or error.code))
    metrics.ready.set(1)
    return {"status": "ready", **({extension: True} if extension else {})}


@router.get(
    METRICS_PATH,
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus text format.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    },
)
async def get_metrics(request: Request) -> Response:
    """Prometheus metrics: verdicts by decision and reason, problems by code, time by step and route."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.page(), headers={"Content-Type": CONTENT_TYPE})
