"""The class of all admin routes: no body is read before the token, and every error is a problem document."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Security
from fastapi.responses import Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from server_stub.admin.context import PREFIX, AdminContext
from server_stub.api.admin import problems
from server_stub.api.admin.error_mapping import KNOWN, translate
from server_stub.api.admin.problems import AdminCode, AdminError
from server_stub.api.content_types import check_content_type
from server_stub.api.problems import ApiError
from server_stub.evidence import strict_json
from wire import media
from wire.codes import ProblemCode

TAG: Final = "admin"

_TOKEN: Final = HTTPBearer(
    auto_error=False,
    scheme_name="adminToken",
    description="Made at the first start of the server and shown once; `activation admin token` makes a new one.",
)

_REALM: Final = 'Bearer realm="admin"'

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class AdminRoute(APIRoute):
    """Asks for the token before the framework reads the body. `request.state.actor` is whose token it is."""

    def get_route_handler(self) -> Handler:
        """The handler behind its guard."""
        handle = super().get_route_handler()

        async def guard(request: Request) -> Response:
            try:
                request.state.actor = await run_in_threadpool(_actor, request)
                if self.body_field is not None:
                    check_content_type(request, media.JSON)
                    _check_strict(await request.body())
                answer = await handle(request)
            except KNOWN as error:
                answer = problems.answer(request, translate(error))
            answer.headers["Cache-Control"] = "no-store"
            return answer

        return guard


def parts_of(request: Request) -> AdminContext:
    """The parts that the application of this request operates."""
    parts = request.app.state.admin
    assert isinstance(parts, AdminContext)  # noqa: S101 - the framework's type is wider
    return parts


def resource(path: str) -> APIRouter:
    """The router of the resource at `path` below the prefix."""
    return APIRouter(
        prefix=PREFIX + path, tags=[TAG], route_class=AdminRoute, dependencies=[Security(_TOKEN)]
    )


Parts = Annotated[AdminContext, Depends(parts_of)]
"""A handler's `parts`, which the framework fills in."""


def _actor(request: Request) -> str:
    """Whose token this is. Raises AdminError for none, another scheme, two of them, or a token that is not the one."""
    given = request.headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorized("send the admin token as `Authorization: Bearer …`", _REALM)
    actor = parts_of(request).tokens.actor(token.strip())
    if actor is None:
        raise _unauthorized(
            "this is not the admin token of this server; `activation admin token` makes a new one",
            f'{_REALM}, error="invalid_token"',
        )
    return actor


def _check_strict(body: bytes) -> None:
    """The framework takes the last of two members of one name, and so might somebody who reads the log another one.

    Raises ApiError.
    """
    try:
        if body:  # without any the framework says what is missing
            strict_json.check(body)
    except strict_json.JsonError as error:
        detail = f"the body of this request cannot be read: {error}"
        raise ApiError(400, ProblemCode.REQUEST_MALFORMED, detail) from error


def _unauthorized(detail: str, challenge: str) -> AdminError:
    return AdminError(401, AdminCode.UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})
