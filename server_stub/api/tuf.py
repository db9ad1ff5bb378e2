"""The routes that serve the key repository (TUF specification section 1.4: the framework leaves the layout to us).

Only names of a repository's own files are read.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from server_stub.api.error_responses import problem_responses
from server_stub.api.http_rules import check_accepts
from server_stub.api.problems import ApiError
from server_stub.verdicts.outage import OUTAGE_ERRORS, Outage
from server_stub.verdicts.service import ServiceError
from wire import media
from wire.codes import ProblemCode
from wire.key_repository import METADATA_PATH, TARGETS_PATH

if TYPE_CHECKING:
    from server_stub.api.readiness import Outages
    from server_stub.api.threads import Threads
    from server_stub.key_repository import KeyRepository

READERS: Final = 2
"""Threads that read files. They are separate so that keys are served while verdicts wait for a commit."""

_TIMESTAMP: Final = "timestamp.json"
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file.", "content": {media.JSON: {"schema": {"type": "object"}}}},
    **problem_responses(404, 406),
}


router: Final = APIRouter(tags=["keys"])


@router.get(METADATA_PATH + "{name}", response_class=Response, responses=_RESPONSES)
async def get_key_metadata(request: Request, name: str) -> Response:
    """Signed metadata: `timestamp.json`, or a version such as `1.root.json`."""
    repository: KeyRepository = request.app.state.repository
    outages: Outages = request.app.state.outages
    file = await _file(request, repository.metadata, name)
    if name == _TIMESTAMP:
        outages.passed(frozenset({Outage.KEYS_UNPUBLISHED}))
    return file


@router.get(TARGETS_PATH + "{name}", response_class=Response, responses=_RESPONSES)
async def get_key_target(request: Request, name: str) -> Response:
    """The JWK Set of the verdict keys under its SHA-256 hash: `<hash>.verdict-keys.json`."""
    repository: KeyRepository = request.app.state.repository
    return await _file(request, repository.target, name)


async def _file(request: Request, read: Callable[[str], bytes | None], name: str) -> Response:
    readers: Threads = request.app.state.readers
    check_accepts(request, media.JSON)
    try:
        content = await readers(read, name)
    except OUTAGE_ERRORS as error:
        raise ServiceError.of(error) from error
    if content is None:
        raise ApiError(404, ProblemCode.NOT_FOUND, "the key repository has no such file")
    return Response(content, headers={"Cache-Control": "no-cache"}, media_type=media.JSON)
