"""Errors as RFC 9457 problem documents, whatever went wrong."""

import traceback
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from server_stub.api.methods import allowed_methods
from server_stub.verdicts.service import ServiceError
from wire import media
from wire.codes import ProblemCode
from wire.problem import Problem

TYPE_BASE: Final = "urn:solvane:problem:"

RETRY_AFTER: Final = 5
"""Seconds after which a phone may ask a server again that was not available."""

_BY_STATUS: Final = {
    400: (ProblemCode.REQUEST_MALFORMED, "this request could not be read"),
    404: (ProblemCode.NOT_FOUND, "nothing is served here; the OpenAPI document at /docs lists what is"),
    405: (ProblemCode.METHOD_NOT_ALLOWED, "this resource does not take that method; see the Allow header"),
}

_TITLES: Final = {
    ProblemCode.REQUEST_MALFORMED: "Request malformed",
    ProblemCode.REQUEST_INVALID: "Request invalid",
    ProblemCode.REQUEST_TIMED_OUT: "Request timed out",
    ProblemCode.HEADERS_TOO_LARGE: "Headers too large",
    ProblemCode.BODY_TOO_LARGE: "Body too large",
    ProblemCode.MEDIA_TYPE_UNSUPPORTED: "Media type not supported",
    ProblemCode.NOT_ACCEPTABLE: "Not acceptable",
    ProblemCode.NOT_FOUND: "Not found",
    ProblemCode.METHOD_NOT_ALLOWED: "Method not allowed",
    ProblemCode.EVIDENCE_MALFORMED: "Evidence malformed",
    ProblemCode.EVIDENCE_CLAIMS_INVALID: "Evidence claims invalid",
    ProblemCode.EVIDENCE_SIGNATURE_INVALID: "Evidence signature invalid",
    ProblemCode.CHAIN_INVALID: "Certificate chain invalid",
    ProblemCode.CHALLENGE_INVALID: "Challenge invalid",
    ProblemCode.CHALLENGE_EXPIRED: "Challenge expired",
    ProblemCode.CHALLENGE_SPENT: "Challenge spent",
    ProblemCode.TOO_MANY_REQUESTS: "Too many requests",
    ProblemCode.UNAVAILABLE: "Service unavailable",
    ProblemCode.INTERNAL: "Internal error",
}


class ApiError(Exception):
    """A request that HTTP itself gives a reason to refuse. `retry_after` is in seconds."""

    def __init__(self, status: int, code: ProblemCode, detail: str, retry_after: int | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after


def install(app: FastAPI) -> None:
    """Let every error of `app` be answered as a problem document."""
    app.add_exception_handler(ApiError, _refused)
    app.add_exception_handler(ServiceError, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _internal)


def problem(
    request: Request, status: int, code: ProblemCode, detail: str, headers: dict[str, str] | None = None
) -> Response:
    """A problem document; `instance` names the request as the log does."""
    request.state.problem = code
    document = _document(status, code, detail, request.state.request_id)
    return Response(document, status, headers, media.PROBLEM)


def raw_problem(status: int, code: ProblemCode, detail: str, request_id: str, retry_after: int) -> bytes:
    """The same for what is no request yet, as a whole answer of HTTP/1.1 that ends the connection."""
    body = _document(status, code, detail, request_id).encode()
    head = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"content-type: {media.PROBLEM}",
        f"content-length: {len(body)}",
        f"x-request-id: {request_id}",
        "connection: close",
        *([f"retry-after: {retry_after}"] if status == 503 else []),
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def _document(status: int, code: ProblemCode, detail: str, request_id: str) -> str:
    return Problem(
        type=f"{TYPE_BASE}{code}",
        title=_TITLES[code],
        status=status,
        code=code,
        detail=detail,
        instance=f"urn:uuid:{request_id}",
    ).model_dump_json()


def refusal(request: Request, error: ApiError | ServiceError) -> Response:
    """The problem document that `error` means. A 429 and a 503 say when to come back."""
    retry = error.retry_after
    if retry is None and error.status in (429, 503):
        retry = RETRY_AFTER
    headers = None if retry is None else {"Retry-After": str(retry)}
    return problem(request, error.status, error.code, error.detail, headers)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError | ServiceError)  # noqa: S101 - the framework's type is wider
    return refusal(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    """Names the members that were not as the document says; what was sent in them is not repeated."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - the framework's type is wider
    where = sorted({str(part["loc"][0]) for part in error.errors()})
    detail = f"the {' and the '.join(where)} of this request is not as /openapi.json describes it"
    return problem(request, 422, ProblemCode.REQUEST_INVALID, detail)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the framework's type is wider
    known = _BY_STATUS.get(error.status_code)
    if known is None:
        return await _internal(request, error)
    return problem(request, error.status_code, *known, _allow(request, error))


def _allow(request: Request, error: HTTPException) -> dict[str, str]:
    if error.status_code != 405:
        return {}
    allowed = allowed_methods(request.app.openapi()["paths"], request.url.path)
    return {"Allow": allowed or (error.headers or {}).get("Allow", "GET")}


async def _internal(request: Request, error: Exception) -> Response:
    """Keeps what failed and where for the log, and leaves out the message, which may quote anything."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
    request.state.failure = f"{type(error).__name__} at {where}"
    return problem(
        request, 500, ProblemCode.INTERNAL, "the server failed; the log has this instance's details"
    )
