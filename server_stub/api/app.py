"""The whole verdict server as an ASGI application: the device API, the admin API and their OpenAPI document."""

from functools import partial
from typing import Any, Final, Unpack

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse

from server_stub.admin.context import AdminContext
from server_stub.api import admin as admin_api
from server_stub.api import docs_page, openapi
from server_stub.api.device_app import AppOptions, device_app
from server_stub.verdicts.service import VerdictService


def create_app(
    service: VerdictService, *, admin: AdminContext | None = None, **options: Unpack[AppOptions]
) -> FastAPI:
    """`device_app` with its OpenAPI document, the admin API if there is `admin`, and the routes of an extension."""
    app = device_app(service, faults=admin.faults if admin else None, **options)
    if admin is not None:
        admin_api.install(app, admin)
    if (extension := options.get("extension")) is not None:
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
