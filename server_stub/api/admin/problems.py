"""Errors of the admin API: RFC 9457 problem documents with stable codes."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from server_stub.api.error_responses import error_response
from server_stub.api.problems import TYPE_BASE
from wire import media


class AdminCode(StrEnum):
    """Stable code of an error of the admin API."""

    UNAUTHORIZED = "unauthorized"
    REQUEST_MALFORMED = "request-malformed"
    REQUEST_INVALID = "request-invalid"
    CURSOR_INVALID = "cursor-invalid"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    PRECONDITION_REQUIRED = "precondition-required"
    PRECONDITION_FAILED = "precondition-failed"
    DEVICE_UNKNOWN = "device-unknown"
    DEVICE_NOT_LOCKED = "device-not-locked"
    VERDICT_UNKNOWN = "verdict-unknown"
    CHALLENGE_INVALID = "challenge-invalid"
    TOO_MANY_DEVICES = "too-many-devices"
    POLICY_UNKNOWN = "policy-unknown"
    POLICY_INVALID = "policy-invalid"
    POLICY_FIXED = "policy-fixed"
    POLICY_REFUSED = "policy-refused"
    CAMPAIGN_UNKNOWN = "campaign-unknown"
    CAMPAIGN_REFUSED = "campaign-refused"
    KEY_UNKNOWN = "key-unknown"
    KEY_REFUSED = "key-refused"
    ROOT_REFUSED = "root-refused"
    KEYS_UNAVAILABLE = "keys-unavailable"
    CLOCK_WRONG = "clock-wrong"
    FAULT_INVALID = "fault-invalid"
    FAULT_UNKNOWN = "fault-unknown"
    CLOCK_BACKWARDS = "clock-backwards"
    WORLD_REFUSED = "world-refused"
    EXPECTATION_MISSED = "expectation-missed"
    REQUEST_TIMED_OUT = "request-timed-out"
    HEADERS_TOO_LARGE = "headers-too-large"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    BODY_TOO_LARGE = "body-too-large"
    MEDIA_TYPE_UNSUPPORTED = "media-type-unsupported"
    NOT_ACCEPTABLE = "not-acceptable"
    TOO_MANY_REQUESTS = "too-many-requests"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class AdminProblemFinding(BaseModel):
    """One error in the request. `where` is the member, or the line of a document."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Finding")

    where: Annotated[str, Field(max_length=200)]
    what: Annotated[str, Field(max_length=500)]


class AdminProblem(BaseModel):
    """`application/problem+json` of the admin API. `detail` says what to do; `errors` lists all errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    code: AdminCode
    detail: Annotated[str, Field(max_length=500)]
    instance: str
    errors: list[AdminProblemFinding] = Field(default_factory=list)


class AdminError(Exception):
    """A request that the admin API rejects."""

    def __init__(
        self,
        status: int,
        code: AdminCode,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[AdminProblemFinding] = (),
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = list(errors)


MEANINGS: Final = {
    400: "request-malformed: the body is not JSON",
    401: "unauthorized: send the admin token as `Authorization: Bearer …`",
    404: "the resource, by its code: device-unknown, policy-unknown, campaign-unknown, key-unknown, fault-unknown",
    409: "not possible in the present state: device-not-locked, verdict-unknown, too-many-devices, policy-fixed, "
    "policy-refused, campaign-refused, key-refused, clock-backwards",
    412: "precondition-failed: it has changed since you read it; get it again",
    413: "body-too-large",
    415: "media-type-unsupported: send application/json",
    422: "request-invalid, cursor-invalid, idempotency-key-reused, policy-invalid, challenge-invalid, fault-invalid",
    428: "precondition-required: send If-Match with the ETag of the version that you have read",
    500: "internal",
    503: "unavailable or keys-unavailable; wait for Retry-After",
}

ALWAYS: Final = (401, 422, 500, 503)
"""The errors of every route of the admin API."""


_AUTHENTICATE: Final = {
    "WWW-Authenticate": {"schema": {"type": "string"}, "description": "The scheme, RFC 6750"}
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI descriptions of a route's errors, with those of every route."""
    described: dict[int | str, dict[str, Any]] = {
        status: error_response(MEANINGS[status], "AdminProblem") for status in sorted({*ALWAYS, *statuses})
    }
    described[401]["headers"] = _AUTHENTICATE
    return described


def problem_response(request: Request, error: AdminError) -> Response:
    """The problem document of `error`, whose `instance` contains the request id of the log."""
    request.state.problem = error.code
    document = AdminProblem(
        type=f"{TYPE_BASE}{error.code}",
        title=error.code.replace("-", " ").capitalize(),
        status=error.status,
        code=error.code,
        detail=error.detail,
        instance=f"urn:uuid:{request.state.request_id}",
        errors=error.errors,
    )
    return Response(document.model_dump_json(), error.status, error.headers, media.PROBLEM)
