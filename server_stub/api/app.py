"""The verdict service as an ASGI application."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from server_stub.api import openapi, problems
from server_stub.api.device_routes import device_routes
from server_stub.api.logs import Log, RequestLog
from server_stub.api.tuf_routes import tuf_routes
from server_stub.key_repository import KeyRepository
from server_stub.service import VerdictService

_DESCRIPTION = (
    "Phones ask for a challenge, send signed evidence that answers it, and get a signed verdict. "
    "Errors are RFC 9457 problem documents with a stable code."
)


def _uuid() -> str:
    return str(uuid.uuid4())


def create_app(
    service: VerdictService,
    *,
    repository: KeyRepository | None = None,
    log: Log | None = None,
    request_ids: Callable[[], str] = _uuid,
) -> FastAPI:
    """The application over `service`, and over the key repository that it serves, logging to `log`.

    `request_ids` gives each request its number, a UUID.
    """
    app = _App(
        title="Verdict server",
        description=_DESCRIPTION,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    app.outermost = partial(RequestLog, request_ids=request_ids, log=log)
    problems.install(app)
    app.include_router(device_routes(service))
    if repository is not None:
        app.include_router(tuf_routes(repository))
    _install_health(app, service)
    return app


class _App(FastAPI):
    """Puts the log around everything: the framework would let its answer to an unforeseen error pass it by."""

    outermost: Callable[[ASGIApp], ASGIApp]

    def build_middleware_stack(self) -> ASGIApp:
        return self.outermost(super().build_middleware_stack())

    def openapi(self) -> dict[str, Any]:
        """The document with the schemas of what tokens carry."""
        return openapi.describe(self)


def _install_health(app: FastAPI, service: VerdictService) -> None:
    @app.get("/healthz", tags=["operators"])
    async def healthz() -> dict[str, str]:
        """The process runs."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["operators"])
    async def readyz() -> dict[str, str]:
        """Verdicts can be recorded."""
        await run_in_threadpool(service.check)
        return {"status": "ready"}

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        """The OpenAPI document for people."""
        return HTMLResponse(openapi.page(app.openapi()))
