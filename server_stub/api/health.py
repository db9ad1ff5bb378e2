"""The routes that whoever operates the server asks: does it run, can it record, what has it done."""

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from server_stub.api.metrics import CONTENT_TYPE, METRICS_PATH, Metrics
from server_stub.api.openapi_responses import problem_responses
from server_stub.verdicts.service import VerdictService


def health_routes(service: VerdictService, metrics: Metrics) -> APIRouter:
    """Liveness, readiness and metrics of one server process."""
    router = APIRouter(tags=["operators"])

    @router.get("/healthz", responses={200: {"description": "It runs."}})
    async def healthz() -> dict[str, str]:
        """The process runs."""
        return {"status": "ok"}

    @router.get("/readyz", responses={200: {"description": "It is ready."}, **problem_responses(503)})
    async def readyz() -> dict[str, str]:
        """Verdicts can be recorded."""
        await run_in_threadpool(service.check)
        return {"status": "ready"}

    @router.get(
        METRICS_PATH,
        response_class=Response,
        responses={
            200: {
                "description": "Prometheus text of this process.",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            }
        },
    )
    async def exposition() -> Response:
        """Prometheus metrics: verdicts by decision and reason, problems by code, time by step and by route."""
        return Response(metrics.page(), headers={"Content-Type": CONTENT_TYPE})

    return router
