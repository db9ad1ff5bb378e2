"""The routes that serve the key repository (TUF specification section 1.4: the framework leaves the layout to us)."""

from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from server_stub.api.content_types import check_accepts
from server_stub.api.limits.workers import Workers
from server_stub.api.openapi_responses import problem_responses
from server_stub.api.problems import ApiError
from server_stub.key_repository import KeyRepository, KeyRepositoryError
from wire import media
from wire.codes import ProblemCode
from wire.key_repository import METADATA_PATH, TARGETS_PATH

_READERS: Final = 2
"""Threads that read files, so that a database that stalls keeps nobody from the keys."""

_HEADERS: Final = {"Cache-Control": "no-cache"}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file.", "content": {media.JSON: {"schema": {"type": "object"}}}},
    **problem_responses(404, 406),
}


def tuf_routes(repository: KeyRepository) -> APIRouter:
    """Metadata and targets of `repository`. A name that is none of a repository's is not looked for."""
    router = APIRouter(tags=["keys"])
    readers = Workers(_READERS, "reader")

    @router.get(METADATA_PATH + "{name}", response_class=Response, responses=_ANSWERS)
    async def metadata(request: Request, name: str) -> Response:
        """Signed metadata: `timestamp.json`, or a version such as `1.root.json`."""
        check_accepts(request, media.JSON)
        return _file(await readers.do(partial(_metadata, repository, name)))

    @router.get(TARGETS_PATH + "{name}", response_class=Response, responses=_ANSWERS)
    async def target(request: Request, name: str) -> Response:
        """The JWK Set of the verdict keys under its SHA-256 hash: `<hash>.verdict-keys.json`."""
        check_accepts(request, media.JSON)
        return _file(await readers.do(partial(repository.target, name)))

    return router


def _metadata(repository: KeyRepository, name: str) -> bytes | None:
    try:
        return repository.metadata(name)
    except KeyRepositoryError as error:
        raise ApiError(503, ProblemCode.UNAVAILABLE, "the keys cannot be published now; ask again") from error


def _file(content: bytes | None) -> Response:
    if content is None:
        raise ApiError(404, ProblemCode.NOT_FOUND, "the key repository has no such file")
    return Response(content, headers=_HEADERS, media_type=media.JSON)
