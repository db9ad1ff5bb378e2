"""What a request must be before it is looked at: its type, and what it accepts. Its size is the gate's matter."""

from fastapi import Request

from server_stub.api.problems import ApiError
from wire.codes import ProblemCode


def check_accepts(request: Request, media_type: str) -> None:
    """Hold `Accept` (RFC 9110 section 12.5.1) against what would be answered. Raises ApiError."""
    ranges = ",".join(request.headers.getlist("accept")) or "*/*"
    wanted = {"*/*", media_type, f"{media_type.partition('/')[0]}/*"}
    if not any(_name(part) in wanted and not _refuses(part) for part in ranges.split(",")):
        raise ApiError(406, ProblemCode.NOT_ACCEPTABLE, f"the answer is {media_type}; accept that")


def check_content_type(request: Request, media_type: str) -> None:
    """Hold `Content-Type` against the one type that is read. Raises ApiError."""
    if _name(request.headers.get("content-type", "")) != media_type:
        raise ApiError(415, ProblemCode.MEDIA_TYPE_UNSUPPORTED, f"send {media_type}")


def _name(value: str) -> str:
    """A media type or range without its parameters."""
    return value.partition(";")[0].strip().lower()


def _refuses(part: str) -> bool:
    """Whether a range carries a quality of zero."""
    parameters = part.replace(" ", "").lower().split(";")[1:]
    return any(each in ("q=0", "q=0.0", "q=0.00", "q=0.000") for each in parameters)
