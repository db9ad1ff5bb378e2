"""Translates the errors of the administration, the store and the framework to errors of the admin API."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from server_stub.admin.devices import OperatorError, OperatorFault, TooManyDevicesError
from server_stub.admin.idempotency import REMEMBERED, KeyReusedError
from server_stub.admin.policies import PolicyAdminError, PolicyFault
from server_stub.api.admin.problems import AdminCode, AdminError, AdminProblemFinding
from server_stub.api.problems import RETRY_AFTER, ApiError
from server_stub.clock import ClockError
from server_stub.key_repository import KeyRepositoryError, RepositoryFault
from server_stub.policy.errors import PolicyError
from server_stub.store.records import CursorError, PolicyFixedError, StoreUnavailableError
from server_stub.verdicts.service import ServiceError
from wire.unlock import ChallengeError

_FINDINGS_MAX: Final = 20


def translate(error: Exception) -> AdminError:
    """The admin API's form of `error`, which is one of `KNOWN`. Raises `error` itself for another status of HTTP."""
    kind = next(kind for kind in type(error).__mro__ if kind in KNOWN)
    return _FORMS[kind](error)


def _unavailable(code: AdminCode, detail: str) -> AdminError:
    return AdminError(503, code, detail, headers={"Retry-After": str(RETRY_AFTER)})


def _of_service(error: ServiceError) -> AdminError:
    if error.status == 503:
        return _unavailable(AdminCode.UNAVAILABLE, error.detail)
    return AdminError(error.status, AdminCode(error.code.value), error.detail)


def _of_policy(error: PolicyError) -> AdminError:
    findings = [
        AdminProblemFinding(where=f"line {each.line}: {each.key}"[:200], what=each.text[:500])
        for each in error.problems[:_FINDINGS_MAX]
    ]
    detail = "the document is not a valid policy; see errors"
    return AdminError(422, AdminCode.POLICY_INVALID, detail, errors=findings)


_POLICY_FAULTS: Final = {
    PolicyFault.POLICY_UNKNOWN: (404, AdminCode.POLICY_UNKNOWN),
    PolicyFault.VERSION_FIXED: (409, AdminCode.POLICY_FIXED),
    PolicyFault.VERSION_TOO_LOW: (409, AdminCode.POLICY_REFUSED),
    PolicyFault.NOTHING_BEFORE: (409, AdminCode.POLICY_REFUSED),
    PolicyFault.CAMPAIGN_UNKNOWN: (404, AdminCode.CAMPAIGN_UNKNOWN),
    PolicyFault.CAMPAIGN_RUNNING: (409, AdminCode.CAMPAIGN_REFUSED),
    PolicyFault.CAMPAIGN_NOT_RUNNING: (409, AdminCode.CAMPAIGN_REFUSED),
}


_KEY_FAULTS: Final = {
    RepositoryFault.KEY_UNKNOWN: (404, AdminCode.KEY_UNKNOWN),
    RepositoryFault.KEY_RETIRED: (409, AdminCode.KEY_REFUSED),
    RepositoryFault.KEY_LISTED: (409, AdminCode.KEY_REFUSED),
    RepositoryFault.NO_ACTIVE_KEY: (409, AdminCode.KEY_REFUSED),
    RepositoryFault.ROOT_REFUSED: (409, AdminCode.ROOT_REFUSED),
    RepositoryFault.ONLINE_KEYS_FOREIGN: (409, AdminCode.ROOT_REFUSED),
}


def _of_keys(error: KeyRepositoryError) -> AdminError:
    if error.fault in _KEY_FAULTS:
        return AdminError(*_KEY_FAULTS[error.fault], error.detail)
    detail = "the keys cannot be published now; the previous publication remains valid"
    return _unavailable(AdminCode.KEYS_UNAVAILABLE, detail)


def _of_validation(error: RequestValidationError) -> AdminError:
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return AdminError(400, AdminCode.REQUEST_MALFORMED, "the body is not JSON; see the OpenAPI document")
    findings = [
        AdminProblemFinding(where=_where(fault), what=fault["msg"][:500]) for fault in faults[:_FINDINGS_MAX]
    ]
    detail = "the request does not match the OpenAPI document at /docs; see errors"
    return AdminError(422, AdminCode.REQUEST_INVALID, detail, errors=findings)


def _where(fault: Mapping[str, Any]) -> str:
    """The place of a fault, without names that the client invented."""
    path = list(fault["loc"])
    if fault["type"] == "extra_forbidden":
        path[-1] = "(an unknown member)"
    return ".".join(str(part) for part in path)[:200]


def _of_framework(error: HTTPException) -> AdminError:
    """The framework itself raises only 400, for a body that it cannot parse."""
    if error.status_code != 400:
        raise error
    return AdminError(400, AdminCode.REQUEST_MALFORMED, "the body is not JSON in UTF-8")


_FORMS: Final[dict[type[Exception], Callable[[Any], AdminError]]] = {
    AdminError: lambda error: error,
    ApiError: lambda error: AdminError(error.status, AdminCode(error.code.value), error.detail),
    ServiceError: _of_service,
    StoreUnavailableError: lambda _: _unavailable(
        AdminCode.UNAVAILABLE, "the store is not available; retry later"
    ),
    ClockError: lambda error: _unavailable(AdminCode.CLOCK_WRONG, str(error)),
    OperatorError: lambda error: AdminError(
        404 if error.fault is OperatorFault.DEVICE_UNKNOWN else 409,
        AdminCode(error.fault.value),
        error.advice,
    ),
    PolicyError: _of_policy,
    PolicyAdminError: lambda error: AdminError(*_POLICY_FAULTS[error.fault], error.advice[:500]),
    KeyRepositoryError: _of_keys,
    RequestValidationError: _of_validation,
    HTTPException: _of_framework,
    KeyReusedError: lambda _: AdminError(
        422,
        AdminCode.IDEMPOTENCY_KEY_REUSED,
        f"another request used this Idempotency-Key within the last {REMEMBERED // 3600} h; use a new key",
    ),
    TooManyDevicesError: lambda error: AdminError(409, AdminCode.TOO_MANY_DEVICES, str(error)),
    ChallengeError: lambda error: AdminError(422, AdminCode.CHALLENGE_INVALID, str(error)),
    CursorError: lambda error: AdminError(422, AdminCode.CURSOR_INVALID, str(error)),
    PolicyFixedError: lambda error: AdminError(409, AdminCode.POLICY_FIXED, str(error)),
}

KNOWN: Final = tuple(_FORMS)
"""The errors that `translate` knows. Any other error is a fault of this program."""
