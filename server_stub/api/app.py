"""The verdict service as an ASGI application."""

import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.types import ASGIApp

from server_stub.admin.context import AdminContext
from server_stub.api import admin as admin_api
from server_stub.api import openapi, problems
from server_stub.api.device import device_routes
from server_stub.api.docs_page import page
from server_stub.api.health import health_routes
from server_stub.api.limits.requests import RequestLimitMiddleware
from server_stub.api.limits.settings import ServerLimits
from server_stub.api.logs import Log, RequestLog
from server_stub.api.metrics import Metrics
from server_stub.api.tuf import tuf_routes
from server_stub.key_repository import KeyRepository
from server_stub.verdicts.service import VerdictService

_DESCRIPTION = (
    "Devices request a challenge, send signed evidence that contains its nonce, and receive a signed verdict. "
    "Errors are RFC 9457 problem documents with a stable code."
)

_LIMITS: Final = ServerLimits()


def new_uuid() -> str:
    """A random UUID for a request."""
    return str(uuid.uuid4())


def create_app(  # noqa: PLR0913 - the service, and what else is served, logged and limited
    service: VerdictService,
    *,
    repository: KeyRepository | None = None,
    admin: AdminContext | None = None,
    log: Log | None = None,
    request_ids: Callable[[], str] = new_uuid,
    limits: ServerLimits = _LIMITS,
    stopwatch: Callable[[], float] = time.perf_counter,
) -> FastAPI:
    """The application of `service`. It also serves `repository`, and the admin API if there is `admin`.

    `request_ids` returns a UUID for each request. `stopwatch`, in seconds, never decreases; rates and durations are
    measured with it. The metrics are in `app.state.metrics`.
    """
    metrics = Metrics()
    app = _App(
        title="Verdict server",
        description=_DESCRIPTION,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    app.state.limits, app.state.metrics = limits, metrics
    app.request_limits = partial(RequestLimitMiddleware, limits=limits, metrics=metrics, clock=stopwatch)
    app.request_log = partial(RequestLog, request_ids=request_ids, log=log, metrics=metrics, clock=stopwatch)
    problems.install(app)
    app.include_router(device_routes(service, limits, metrics, stopwatch, admin.faults if admin else None))
    if repository is not None:
        app.include_router(tuf_routes(repository))
    app.include_router(health_routes(service, metrics))
    if admin is not None:
        admin_api.install(app, admin)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        """The OpenAPI document as a page."""
        return HTMLResponse(page(app.openapi()))

    return app


class _App(FastAPI):
    """Puts the log outside of the framework's own error handler, so that its responses are logged too."""

    request_limits: Callable[[ASGIApp], ASGIApp]
    request_log: Callable[[ASGIApp], ASGIApp]

    def build_middleware_stack(self) -> ASGIApp:
        return self.request_log(self.request_limits(super().build_middleware_stack()))

    def openapi(self) -> dict[str, Any]:
        """The document with the schemas of the tokens' claims."""
        return openapi.describe(self)
