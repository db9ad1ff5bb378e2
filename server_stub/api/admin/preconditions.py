"""Preconditions (RFC 9110 section 13): nobody changes what they have not seen."""

from typing import Annotated, Any, Final

from fastapi import Header

from server_stub.api.admin.base_models import Missing
from server_stub.api.admin.problems import AdminCode, AdminError

_TAG: Final = r'(W/)?"[!#-~]*"'

IfMatch = Annotated[
    str | Missing,
    Header(
        max_length=1000,
        pattern=rf"^(\*|{_TAG}([ \t]*,[ \t]*{_TAG})*)$",
        description="The entity tag of what you have seen, as `ETag` said it.",
    ),
]

ETAG: Final[dict[str, Any]] = {
    "ETag": {"schema": {"type": "string"}, "description": "Names this text; send it back as If-Match."}
}


def header(etag: str) -> dict[str, str]:
    """The header that names what is answered."""
    return {"ETag": f'"{etag}"'}


def require_match(given: str | None, etag: str | None, what: str) -> None:
    """Hold `If-Match` against what there is now, `etag`, which is None where there is nothing. Raises AdminError.

    What exists is only changed with `If-Match`; only strong comparison counts.
    """
    if given is None:
        if etag is None:
            return
        raise AdminError(
            428, AdminCode.PRECONDITION_REQUIRED, f"get {what} and send its ETag back as If-Match"
        )
    tags = {tag.strip() for tag in given.split(",")}
    if etag is None or not (given == "*" or f'"{etag}"' in tags):
        raise AdminError(
            412, AdminCode.PRECONDITION_FAILED, f"{what} is not what you have seen; get it again"
        )
