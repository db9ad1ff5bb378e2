"""The route class of the admin API: it checks the token before it reads the body, and sends problem documents."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Security
from fastapi.responses import Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from server_stub.admin.context import PREFIX, AdminContext
from server_stub.api.admin.error_mapping import KNOWN, translate
from server_stub.api.admin.problems import AdminCode, AdminError, problem_response
from server_stub.api.http_rules import check_content_type
from server_stub.api.problems import ApiError
from server_stub.evidence import strict_json
from server_stub.verdicts.outage import OUTAGE_ERRORS, outage_of
from wire import media
from wire.codes import ProblemCode

_TOKEN: Final = HTTPBearer(
    auto_error=False,
    scheme_name="adminToken",
    description="Made at the first start of the server and shown once; `activation admin token` makes a new one.",
)

_REALM: Final = 'Bearer realm="admin"'

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class AdminRoute(APIRoute):
    """Checks the token before the framework reads the body. `request.state.actor` is the owner of the token."""

    def get_route_handler(self) -> Handler:
        """The handler with the checks before it."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            try:
                request.state.actor = await run_in_threadpool(_actor, request)
                if self.body_field is not None:
                    check_content_type(request, media.JSON)
                    _check_json(await request.body())
                response = await handle(request)
            except KNOWN as error:
                problem = translate(error)
                if problem.status == 503 and isinstance(error, OUTAGE_ERRORS):
                    request.app.state.outages.failed(outage_of(error))
                response = problem_response(request, problem)
            response.headers["Cache-Control"] = "no-store"
            return response

        return checked


def context_of(request: Request) -> AdminContext:
    """The context of the application that serves this request."""
    context = request.app.state.admin
    assert isinstance(context, AdminContext)  # noqa: S101 - the framework's type is wider
    return context


def resource(path: str, *, prefix: str = PREFIX) -> APIRouter:
    """The router of the resource at `path` below `prefix`. All its routes need the admin token."""
    tag = prefix.split("/")[1] + path.replace("/", "-")
    return APIRouter(
        prefix=prefix + path, tags=[tag], route_class=AdminRoute, dependencies=[Security(_TOKEN)]
    )


Context = Annotated[AdminContext, Depends(context_of)]
"""The parameter `context` of a route, which the framework provides."""


def _actor(request: Request) -> str:
    """The owner of the token. Raises AdminError for no token, another scheme, two tokens, or a wrong token."""
    credentials = request.headers.getlist("authorization")
    scheme, _, token = credentials[0].partition(" ") if len(credentials) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorized("send the admin token as `Authorization: Bearer …`", _REALM)
    actor = context_of(request).tokens.actor(token.strip())
    if actor is None:
        raise _unauthorized(
            "this is not the admin token of this server; `activation admin token` makes a new one",
            f'{_REALM}, error="invalid_token"',
        )
    return actor


def _check_json(body: bytes) -> None:
    """Check that all readers read `body` alike: the framework takes the last of two equal members, others the first.

    Raises ApiError.
    """
    try:
        if body:  # the framework reports a missing body
            strict_json.check(body)
    except strict_json.JsonError as error:
        detail = f"the body of this request cannot be parsed: {error}"
        raise ApiError(400, ProblemCode.REQUEST_MALFORMED, detail) from error


def _unauthorized(detail: str, challenge: str) -> AdminError:
    return AdminError(401, AdminCode.UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})
