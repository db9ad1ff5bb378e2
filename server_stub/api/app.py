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
    "Phones ask for a challenge, send signed evidence that answers it, and get a signed verdict. "
    "Errors are RFC 9457 problem documents with a stable code."
)

_LIMITS: Final = ServerLimits()


def new_uuid() -> str:
    """A number for a request: nobody can guess it, and no other request has it."""
    return str(uuid.uuid4())


def create_app(  # noqa: PLR0913 - the service, and what else is served, told and bounded
    service: VerdictService,
    *,
    repository: KeyRepository | None = None,
    admin: AdminContext | None = None,
    log: Log | None = None,
    request_ids: Callable[[], str] = new_uuid,
    manners: ServerLimits = _LIMITS,
    stopwatch: Callable[[], float] = time.perf_counter,
) -> FastAPI:
    """The application over `service`, and over the key repository that it serves, logging to `log`.

    With `admin` it serves the admin API, too.
    `request_ids` gives each request its number, a UUID. `stopwatch`, in seconds, never goes back: rates and durations
    are reckoned by it. Its metrics are in `app.state.metrics`.
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
    app.state.manners, app.state.metrics = manners, metrics
    app.gate = partial(RequestLimitMiddleware, manners=manners, metrics=metrics, clock=stopwatch)
    app.outermost = partial(RequestLog, request_ids=request_ids, log=log, metrics=metrics, clock=stopwatch)
    problems.install(app)
    faults = admin.faults if admin else None
    app.include_router(device_routes(service, manners, metrics, stopwatch, faults))
    if repository is not None:
        app.include_router(tuf_routes(repository))
    app.include_router(health_routes(service, metrics))
    if admin is not None:
        admin_api.install(app, admin)
    _install_docs(app)
    return app


class _App(FastAPI):
    """Puts the log around everything: the framework would let its answer to an unforeseen error pass it by."""

    gate: Callable[[ASGIApp], ASGIApp]
    outermost: Callable[[ASGIApp], ASGIApp]

    def build_middleware_stack(self) -> ASGIApp:
        return self.outermost(self.gate(super().build_middleware_stack()))

    def openapi(self) -> dict[str, Any]:
        """The document with the schemas of what tokens carry."""
        return openapi.describe(self)


def _install_docs(app: FastAPI) -> None:
    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        """The OpenAPI document for people."""
        return HTMLResponse(page(app.openapi()))
