"""The whole verdict server as an ASGI application: the device API, the admin API and their OpenAPI document."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse

from server_stub.admin.context import AdminContext
from server_stub.api import admin as admin_api
from server_stub.api import docs_page, openapi
from server_stub.api.device_app import DEFAULT_LIMITS, device_app, new_uuid
from server_stub.api.extension import Extension
from server_stub.api.limits.settings import ServerLimits
from server_stub.api.logs import Log
from server_stub.key_repository import KeyRepository
from server_stub.verdicts.service import VerdictService


def create_app(  # noqa: PLR0913 - the parameters of `device_app`, and the admin API
    service: VerdictService,
    *,
    repository: KeyRepository | None = None,
    admin: AdminContext | None = None,
    log: Log | None = None,
    request_ids: Callable[[], str] = new_uuid,
    limits: ServerLimits = DEFAULT_LIMITS,
    stopwatch: Callable[[], float] = time.perf_counter,
    extension: Extension | None = None,
) -> FastAPI:
    """`device_app` with its OpenAPI document, the admin API if there is `admin`, and the routes of `extension`."""
    app = device_app(
        service,
        repository=repository,
        faults=admin.faults if admin else None,
        log=log,
        request_ids=request_ids,
        limits=limits,
        stopwatch=stopwatch,
        extension=extension,
    )
    if admin is not None:
        admin_api.install(app, admin)
    if extension is not None:
        extension.install(app)
    # With the schemas of the tokens' claims; FastAPI documents this assignment.
    app.openapi = partial(openapi.describe, app)  # type: ignore[method-assign]
    app.router.routes.extend(_documents.routes)
    return app


_documents: Final = APIRouter(include_in_schema=False)


@_documents.get("/openapi.json")
async def _document(request: Request) -> Any:
    """The OpenAPI document."""
    return request.app.openapi()


@_documents.get("/docs")
async def _docs(request: Request) -> HTMLResponse:
    """The OpenAPI document as a page."""
    headers = {"Content-Security-Policy": docs_page.CONTENT_SECURITY_POLICY}
    return HTMLResponse(docs_page.page(request.app.openapi()), headers=headers)
