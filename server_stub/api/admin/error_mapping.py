"""What the admin API says of the errors of desks, the store and the framework."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from server_stub.admin.bulk import TooManyDevicesError
from server_stub.admin.devices import OperatorError, OperatorFault
from server_stub.admin.idempotency import REMEMBERED, KeyReusedError
from server_stub.admin.policies import PolicyAdminError, PolicyFault
from server_stub.api.admin.problems import AdminCode, AdminError, Finding
from server_stub.api.problems import RETRY_AFTER, ApiError
from server_stub.key_repository import KeyRepositoryError, RepositoryFault
from server_stub.policy.errors import PolicyError
from server_stub.store.records import CursorError, PolicyFixedError, StoreUnavailableError
from server_stub.verdicts.service import ServiceError
from wire.unlock import ChallengeError


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
    PolicyAdminError: _policy_desk,
    KeyRepositoryError: _keys,
    RequestValidationError: _invalid,
    HTTPException: _http,
    TooManyDevicesError: _too_many,
    KeyReusedError: _key_reused,
    ChallengeError: _challenge,
    CursorError: _cursor,
    PolicyFixedError: _fixed,
}

KNOWN: Final[tuple[type[Exception], ...]] = (AdminError, *_SAYINGS)
"""The errors that `translate` knows; whatever else is raised is a fault of this program."""
