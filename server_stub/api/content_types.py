"""Checks of the request headers `Accept` and `Content-Type`."""

from fastapi import Request

from server_stub.api.problems import ApiError
from wire.codes import ProblemCode


def check_accepts(request: Request, media_type: str) -> None:
    """Check that `Accept` (RFC 9110 section 12.5.1) permits a response of `media_type`. Raises ApiError."""
    wanted = {"*/*", media_type, f"{media_type.partition('/')[0]}/*"}
    for media_range in (",".join(request.headers.getlist("accept")) or "*/*").split(","):
        parameters = media_range.replace(" ", "").lower().split(";")[1:]
        refused = any(each in ("q=0", "q=0.0", "q=0.00", "q=0.000") for each in parameters)
        if _name(media_range) in wanted and not refused:
            return
    raise ApiError(406, ProblemCode.NOT_ACCEPTABLE, f"the response is {media_type}; accept it")


def check_content_type(request: Request, media_type: str) -> None:
    """Check that `Content-Type` is `media_type`. Raises ApiError."""
    if _name(request.headers.get("content-type", "")) != media_type:
        raise ApiError(415, ProblemCode.MEDIA_TYPE_UNSUPPORTED, f"send {media_type}")


def _name(value: str) -> str:
    """A media type or range without its parameters."""
    return value.partition(";")[0].strip().lower()
