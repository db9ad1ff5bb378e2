"""Routes for the operation of the server: liveness, readiness and metrics."""

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from server_stub.api.error_responses import problem_responses
from server_stub.api.metrics import CONTENT_TYPE, METRICS_PATH, Metrics
from server_stub.verdicts.service import VerdictService


def health_routes(service: VerdictService, metrics: Metrics, extension: str | None = None) -> APIRouter:
    """Liveness, readiness and metrics of one server process with the extension of this name."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", responses={200: {"description": "The server runs."}})
    async def get_health() -> dict[str, str]:
        """The process runs."""
        return {"status": "ok"}

    @router.get("/readyz", responses={200: {"description": "The server is ready."}, **problem_responses(503)})
    async def get_readiness() -> dict[str, str | bool]:
        """The store accepts verdicts."""
        await run_in_threadpool(service.check)
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
    async def get_metrics() -> Response:
        """Prometheus metrics: verdicts by decision and reason, problems by code, time by step and route."""
        return Response(metrics.page(), headers={"Content-Type": CONTENT_TYPE})

    return router
