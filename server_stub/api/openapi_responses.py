"""What the OpenAPI document says of errors: routes name those of their own, all share those of the gate."""

from typing import Any, Final

from wire import media

PROBLEM_SCHEMA: Final = {"$ref": "#/components/schemas/Problem"}

_MEANING: Final = {
    400: "evidence-malformed; or request-malformed: the request cannot be read",
    401: "evidence-signature-invalid, chain-invalid or challenge-invalid",
    404: "not-found",
    406: "not-acceptable",
    409: "challenge-expired or challenge-spent; ask for a new challenge",
    415: "media-type-unsupported",
    422: "evidence-claims-invalid",
    429: "too-many-requests from this address or of this phone; obey Retry-After",
    500: "internal",
    503: "unavailable; obey Retry-After",
}

ALWAYS: Final = {
    400: "request-malformed: the request cannot be read",
    408: "request-timed-out: headers or body came too slowly",
    413: "body-too-large",
    429: "too-many-requests from this address; obey Retry-After",
    431: "headers-too-large",
    500: "internal: the server failed",
    503: "unavailable, for now; obey Retry-After",
}
"""What every route may answer, because the request does not get as far as the route, or because the server fails."""

RETRY_AFTER: Final = {
    "Retry-After": {
        "description": "Seconds after which to ask again (RFC 9110 section 10.2.3).",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
}
REQUEST_ID: Final = {
    "X-Request-Id": {
        "description": "A UUID that names this request in the server's log; the client's own, if it sent one.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    }
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of a route's errors."""
    return {status: problem_response(status) for status in statuses}


def problem_response(status: int) -> dict[str, Any]:
    """One error of a route's own: a problem document with its stable codes."""
    return _problem(status, _MEANING[status])


def any_response(status: int) -> dict[str, Any]:
    """One error of `ALWAYS`."""
    return _problem(status, ALWAYS[status])


def invalid_response() -> dict[str, Any]:
    """What the framework would describe as an answer of its own form, and `problems` answers."""
    return _problem(422, "request-invalid: a parameter is not as it is described here")


def _problem(status: int, meaning: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": meaning,
        "content": {media.PROBLEM: {"schema": PROBLEM_SCHEMA}},
    }
    return described | ({"headers": RETRY_AFTER} if status in (429, 503) else {})
