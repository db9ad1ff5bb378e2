"""Errors of the admin API: RFC 9457 problem documents with stable codes, and what raises which."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from server_stub.admin.bulk import TooManyDevicesError
from server_stub.admin.once import REMEMBERED, KeyReusedError
from server_stub.api.problems import RETRY_AFTER, TYPE_BASE, ApiError
from server_stub.domain.policy_errors import PolicyError
from server_stub.key_repository import KeyRepositoryError, RepositoryFault
from server_stub.operator_desk import OperatorError, OperatorFault
from server_stub.policy_desk import PolicyDeskError, PolicyFault
from server_stub.service import ServiceError
from server_stub.store.records import CursorError, PolicyFixedError, StoreUnavailableError
from wire import media
from wire.unlock import ChallengeError


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
    KEYS_UNAVAILABLE = "keys-unavailable"
    FAULT_INVALID = "fault-invalid"
    FAULT_UNKNOWN = "fault-unknown"
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


class Finding(BaseModel):
    """One thing that is wrong. `where` names the member, or the line of a document."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    where: Annotated[str, Field(max_length=200)]
    what: Annotated[str, Field(max_length=500)]


class AdminProblem(BaseModel):
    """`application/problem+json` of the admin API. `detail` says what to do; `errors` lists all that is wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    code: AdminCode
    detail: Annotated[str, Field(max_length=500)]
    instance: str
    errors: list[Finding] = Field(default_factory=list)


class AdminError(Exception):
    """A request that the admin API refuses."""

    def __init__(
        self,
        status: int,
        code: AdminCode,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Finding] = (),
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = list(errors)


MEANINGS: Final = {
    400: "request-malformed: the body is no JSON",
    401: "unauthorized: send the admin token as `Authorization: Bearer …`",
    404: "the resource, by its code: device-unknown, policy-unknown, campaign-unknown, key-unknown, fault-unknown",
    406: "not-acceptable",
    409: "refused in the present state: device-not-locked, verdict-unknown, too-many-devices, policy-fixed, "
    "policy-refused, campaign-refused, key-refused",
    412: "precondition-failed: somebody has changed it; get it again",
    413: "body-too-large",
    415: "media-type-unsupported: send application/json",
    422: "request-invalid, cursor-invalid, idempotency-key-reused, policy-invalid, challenge-invalid, fault-invalid",
    428: "precondition-required: send If-Match with the ETag of what you have seen",
    500: "internal",
    503: "unavailable or keys-unavailable; obey Retry-After",
}

ALWAYS: Final = (401, 422, 500, 503)
"""What every route of the admin API may answer."""


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of a route's errors, beside those that every route has."""
    content = {media.PROBLEM: {"schema": {"$ref": "#/components/schemas/AdminProblem"}}}
    return {
        status: {"description": MEANINGS[status], "content": content} | _headers(status)
        for status in sorted({*ALWAYS, *statuses})
    }


def _headers(status: int) -> dict[str, Any]:
    named = {
        401: ("WWW-Authenticate", "string", "The scheme, RFC 6750"),
        503: ("Retry-After", "integer", "Seconds"),
    }.get(status)
    if named is None:
        return {}
    name, kind, description = named
    return {"headers": {name: {"schema": {"type": kind}, "description": description}}}


def answer(request: Request, error: AdminError) -> Response:
    """The problem document of `error`; `instance` names the request as the log does."""
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


def translate(error: Exception) -> AdminError:
    """What the admin API says of an error of a desk. Raises the error itself where nobody foresaw it."""
    if isinstance(error, AdminError):
        return error
    for kind, say in _SAYINGS.items():
        if isinstance(error, kind):
            return say(error)
    raise error


def _api(error: Any) -> AdminError:
    return AdminError(error.status, AdminCode(error.code.value), error.detail)


def _service(error: Any) -> AdminError:
    return _unavailable(error) if error.status == 503 else _api(error)


def _unavailable(_: Exception) -> AdminError:
    return AdminError(
        503,
        AdminCode.UNAVAILABLE,
        "the store is not available; ask again",
        headers={"Retry-After": str(RETRY_AFTER)},
    )


def _operator(error: Any) -> AdminError:
    status = 404 if error.fault is OperatorFault.DEVICE_UNKNOWN else 409
    return AdminError(status, AdminCode(error.fault.value), error.advice)


def _keys(error: Any) -> AdminError:
    if error.fault is RepositoryFault.KEY_UNKNOWN:
        return AdminError(404, AdminCode.KEY_UNKNOWN, error.detail)
    if error.fault in (
        RepositoryFault.KEY_RETIRED,
        RepositoryFault.KEY_LISTED,
        RepositoryFault.NO_ACTIVE_KEY,
    ):
        return AdminError(409, AdminCode.KEY_REFUSED, error.detail)
    return AdminError(
        503,
        AdminCode.KEYS_UNAVAILABLE,
        "the keys cannot be published now; what was published before stands",
        headers={"Retry-After": str(RETRY_AFTER)},
    )


def _http(error: Any) -> AdminError:
    """The framework itself raises 400 alone, for a body that it cannot read."""
    if error.status_code != 400:
        raise error
    return AdminError(400, AdminCode.REQUEST_MALFORMED, "the body is no JSON in UTF-8")


def _invalid(error: Any) -> AdminError:
    """Names members of this program alone: what a client invented is not repeated."""
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return AdminError(400, AdminCode.REQUEST_MALFORMED, "the body is no JSON; see the OpenAPI document")
    findings = [Finding(where=_where(fault), what=fault["msg"][:500]) for fault in faults[:20]]
    return AdminError(
        422,
        AdminCode.REQUEST_INVALID,
        "the request is not what the OpenAPI document at /docs describes; see errors",
        errors=findings,
    )


def _where(fault: Mapping[str, Any]) -> str:
    path = list(fault["loc"])
    if fault["type"] == "extra_forbidden":
        path[-1] = "(a member that is not known)"
    return ".".join(str(part) for part in path)[:200]


def _policy(error: Any) -> AdminError:
    findings = [
        Finding(where=f"line {each.line}: {each.key}"[:200], what=each.text[:500])
        for each in error.problems[:20]
    ]
    return AdminError(
        422, AdminCode.POLICY_INVALID, "the document cannot be used; see errors", errors=findings
    )


_POLICY_FAULTS: Final = {
    PolicyFault.POLICY_UNKNOWN: (404, AdminCode.POLICY_UNKNOWN),
    PolicyFault.POLICY_CHANGED: (412, AdminCode.PRECONDITION_FAILED),
    PolicyFault.VERSION_FIXED: (409, AdminCode.POLICY_FIXED),
    PolicyFault.VERSION_TOO_LOW: (409, AdminCode.POLICY_REFUSED),
    PolicyFault.NOTHING_BEFORE: (409, AdminCode.POLICY_REFUSED),
    PolicyFault.CAMPAIGN_UNKNOWN: (404, AdminCode.CAMPAIGN_UNKNOWN),
    PolicyFault.CAMPAIGN_RUNNING: (409, AdminCode.CAMPAIGN_REFUSED),
    PolicyFault.CAMPAIGN_NOT_RUNNING: (409, AdminCode.CAMPAIGN_REFUSED),
}


def _policy_desk(error: Any) -> AdminError:
    status, code = _POLICY_FAULTS[error.fault]
    return AdminError(status, code, error.advice[:500])


def _too_many(error: Any) -> AdminError:
    return AdminError(409, AdminCode.TOO_MANY_DEVICES, str(error))


def _key_reused(_: Exception) -> AdminError:
    return AdminError(
        422,
        AdminCode.IDEMPOTENCY_KEY_REUSED,
        f"another request was made under this Idempotency-Key within {REMEMBERED // 3600} h; use a new one",
    )


def _challenge(error: Exception) -> AdminError:
    return AdminError(422, AdminCode.CHALLENGE_INVALID, str(error))


def _cursor(error: Exception) -> AdminError:
    return AdminError(422, AdminCode.CURSOR_INVALID, str(error))


def _fixed(error: Exception) -> AdminError:
    return AdminError(409, AdminCode.POLICY_FIXED, str(error))


_SAYINGS: Final[dict[type[Exception], Callable[[Exception], AdminError]]] = {
    ApiError: _api,
    ServiceError: _service,
    StoreUnavailableError: _unavailable,
    OperatorError: _operator,
    PolicyError: _policy,
    PolicyDeskError: _policy_desk,
    KeyRepositoryError: _keys,
    RequestValidationError: _invalid,
    HTTPException: _http,
    TooManyDevicesError: _too_many,
    KeyReusedError: _key_reused,
    ChallengeError: _challenge,
    CursorError: _cursor,
    PolicyFixedError: _fixed,
}
