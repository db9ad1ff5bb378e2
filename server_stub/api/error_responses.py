"""Descriptions of error responses in the OpenAPI document."""

from typing import Any, Final

from wire import media

SCHEMAS: Final = "#/components/schemas/"

ALWAYS: Final = {
    400: "request-malformed: the request cannot be parsed",
    408: "request-timed-out: headers or body arrived too slowly",
    413: "body-too-large",
    415: "media-type-unsupported: the body has a Content-Encoding",
    421: "request-malformed: the server does not serve the host in the Host header",
    429: "too-many-requests from this address; wait for Retry-After",
    431: "headers-too-large",
    500: "internal: the server failed",
    503: "unavailable for now; wait for Retry-After",
    505: "request-malformed: the version of HTTP is neither 1.0 nor 1.1",
}
"""The errors of every route: limits reject the request before it reaches the route, or the server fails."""

_MEANING: Final = {
    400: "evidence-malformed; or request-malformed: the request cannot be parsed",
    401: "evidence-signature-invalid, chain-invalid or challenge-invalid",
    404: "not-found",
    406: "not-acceptable",
    409: "challenge-expired or challenge-spent; request a new challenge",
    415: "media-type-unsupported",
    422: "evidence-claims-invalid",
    429: "too-many-requests from this address or of this device; wait for Retry-After",
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI descriptions of a route's own errors."""
    return {status: error_response(_MEANING[status]) for status in statuses}


def error_response(meaning: str, schema: str = "Problem") -> dict[str, Any]:
    """The OpenAPI description of a problem document. Its headers are added when the document is made."""
    return {
        "description": meaning,
        "content": {media.PROBLEM: {"schema": {"$ref": SCHEMAS + schema}}},
    }
