"""Errors as RFC 9457 problem documents, and the methods that a resource allows."""

import traceback
from collections.abc import Mapping
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from re import Pattern
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from server_stub.verdicts.service import ServiceError
from wire import media
from wire.codes import ProblemCode
from wire.problem import Problem

TYPE_BASE: Final = "urn:solvane:problem:"

RETRY_AFTER: Final = 5
"""Seconds after which a client may retry when the server was not available."""

RawHeaders = tuple[tuple[bytes, bytes], ...]

_BY_STATUS: Final = {
    400: (ProblemCode.REQUEST_MALFORMED, "the request cannot be parsed"),
    404: (ProblemCode.NOT_FOUND, "no resource has this path; the OpenAPI document at /docs lists all paths"),
    405: (ProblemCode.METHOD_NOT_ALLOWED, "this resource does not allow this method; see the Allow header"),
}

_TITLES: Final = {
    ProblemCode.MEDIA_TYPE_UNSUPPORTED: "Media type not supported",
    ProblemCode.CHAIN_INVALID: "Certificate chain invalid",
    ProblemCode.UNAVAILABLE: "Service unavailable",
    ProblemCode.INTERNAL: "Internal error",
}
"""Titles that differ from the words of the code."""


class NotReady(Problem):
    """The problem document of `/readyz`. `reason` is stable, one of `Outage`."""

    reason: str


class ApiError(Exception):
    """A request that is rejected for a reason of HTTP. `retry_after` is in seconds; `headers` are of the response."""

    def __init__(
        self,
        status: int,
        code: ProblemCode,
        detail: str,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.headers = dict(headers or {})


def install(app: FastAPI) -> None:
    """Let `app` answer every error with a problem document."""

    for rejection in (ApiError, ServiceError):
        app.exception_handler(rejection)(rejected)
    app.exception_handler(Exception)(internal)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        """Names the invalid parts of the request, without the values that were sent."""
        where = sorted({str(part["loc"][0]) for part in error.errors()})
        detail = f"the {' and the '.join(where)} of this request does not match /openapi.json"
        return problem(request, 422, ProblemCode.REQUEST_INVALID, detail)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        known = _BY_STATUS.get(error.status_code)
        if known is None:
            return await internal(request, error)
        headers = {}
        if error.status_code == 405:
            allowed = allowed_methods(request.app.openapi()["paths"], request.url.path)
            headers["Allow"] = allowed or (error.headers or {}).get("Allow", "GET")
        return problem(request, error.status_code, *known, headers)


async def rejected(request: Request, error: ApiError | ServiceError) -> Response:
    """The problem document of `error`. An outage is counted."""
    if isinstance(error, ServiceError) and error.outage is not None:
        request.app.state.outages.failed(error.outage)
    return refusal(request, error)


async def internal(request: Request, error: Exception) -> Response:
    """The response to an error of this program.

    The log gets the kind and place of the error but not its message, which may quote input.
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
    request.state.failure = f"{type(error).__name__} at {where}"
    detail = "the server failed; its log has the details of this instance"
    return problem(request, 500, ProblemCode.INTERNAL, detail)


def problem(  # noqa: PLR0913 - the members of a problem document
    request: Request,
    status: int,
    code: ProblemCode,
    detail: str,
    headers: dict[str, str] | None = None,
    *,
    reason: str | None = None,
) -> Response:
    """A problem document whose `instance` contains the request id of the log. With `reason` it is a `NotReady`."""
    request.state.problem = code
    document = _document(status, code, detail, request.state.request_id, reason)
    return Response(document, status, headers, media.PROBLEM)


def raw_problem(  # noqa: PLR0913, PLR0917 - the parts of a response
    status: int,
    code: ProblemCode,
    detail: str,
    request_id: str,
    retry_after: int,
    headers: RawHeaders = (),
) -> bytes:
    """A complete HTTP/1.1 response with a problem document that closes the connection, if there is no request yet."""
    body = _document(status, code, detail, request_id).encode()
    head = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"content-type: {media.PROBLEM}",
        f"content-length: {len(body)}",
        f"x-request-id: {request_id}",
        "x-content-type-options: nosniff",
        "connection: close",
        *([f"retry-after: {retry_after}"] if status == 503 else []),
        *(f"{name.decode()}: {value.decode()}" for name, value in headers),
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def _document(status: int, code: ProblemCode, detail: str, request_id: str, reason: str | None = None) -> str:
    kind = Problem if reason is None else partial(NotReady, reason=reason)
    return kind(
        type=f"{TYPE_BASE}{code}",
        title=_TITLES.get(code) or code.replace("-", " ").capitalize(),
        status=status,
        code=code,
        detail=detail,
        instance=f"urn:uuid:{request_id}",
    ).model_dump_json()


def refusal(request: Request, error: ApiError | ServiceError, reason: str | None = None) -> Response:
    """The problem document of `error`. A 429 and a 503 have a `Retry-After` header."""
    retry = error.retry_after
    if retry is None and error.status in (429, 503):
        retry = RETRY_AFTER
    headers = error.headers if isinstance(error, ApiError) else {}
    if retry is not None:
        headers = headers | {"Retry-After": str(retry)}
    return problem(request, error.status, error.code, error.detail, headers, reason=reason)


def allowed_methods(paths: Mapping[str, Mapping[str, object]], path: str) -> str | None:
    """The value of `Allow` for `path` (RFC 9110 section 10.2.1) by the `paths` of an OpenAPI document, None if unknown.

    The framework knows only the methods of one route. A resource can have several routes, and a literal path takes
    precedence over one with parameters.
    """
    known = [template for template in paths if _pattern(template).fullmatch(path)]
    if not known:
        return None
    nearest = min(known, key=lambda template: template.count("{"))
    methods = {name.upper() for name in paths[nearest]}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


@cache
def _pattern(template: str) -> Pattern[str]:
    return compile_path(template)[0]
