"""How write routes do their work: as whom, once, and with an answer that can be given again."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel, StringConstraints

from server_stub.admin.context import AdminContext
from server_stub.admin.devices import DeviceAdmin
from server_stub.admin.idempotency import WriteResult
from server_stub.api.admin.base_models import Missing
from server_stub.api.admin.route import parts_of
from server_stub.store.records import Store
from wire import media

_KEY: Final = r'^("[A-Za-z0-9._:-]{1,64}"|[A-Za-z0-9._:-]{1,64})$'

IdempotencyKey = Annotated[
    # The pattern is inside, because the OpenAPI document would not have it of a value that may be missing.
    Annotated[str, StringConstraints(pattern=_KEY)] | Missing,
    Header(description="The same key with the same request gets the first answer again, for 24 hours."),
]


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """One write that was asked for: by whom, on which store, which is a part of its transaction."""

    parts: AdminContext
    store: Store
    actor: str

    @property
    def operators(self) -> DeviceAdmin:
        """The desk for single phones."""
        return self.parts.device_admin(self.store, self.actor)


@dataclass(frozen=True, slots=True)
class WriteResponse:
    """What a write answers. `then` is done when the store has everything."""

    body: BaseModel
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    then: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Writing:
    """One request that writes."""

    parts: AdminContext
    actor: str
    key: str | None
    digest: str

    def execute(self, deed: Callable[[WriteRequest], WriteResponse]) -> Response:
        """Do it once and answer. Raises what `translate` knows."""

        def write(store: Store) -> WriteResult:
            written = deed(WriteRequest(self.parts, store, self.actor))
            body = written.body.model_dump_json().encode()
            return WriteResult(written.status, body, written.headers, after_commit=written.then)

        done = self.parts.writes.execute(write, key=self.key, request=self.digest)
        replayed = {"Idempotency-Replayed": "true"} if done.replayed else {}
        return Response(done.body, done.status, {**done.headers, **replayed}, media.JSON)


async def _writing(request: Request, idempotency_key: IdempotencyKey = None) -> Writing:
    key = idempotency_key.strip('"') if idempotency_key else None
    return Writing(parts_of(request), request.state.actor, key, _digest(request, await request.body()))


WriteDependency = Annotated[Writing, Depends(_writing)]
"""A handler's `task`, which the framework fills in."""


def _digest(request: Request, body: bytes) -> str:
    """Over all that says what is asked for, each part with its length."""
    parts = (
        request.method.encode(),
        request.url.path.encode(),
        request.headers.get("if-match", "").encode(),
        request.headers.get("if-none-match", "").encode(),
        body,
    )
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).hexdigest()


REPLAYED: Final = {
    "Idempotency-Replayed": {
        "schema": {"type": "string", "enum": ["true"]},
        "description": "Present where this answer was given before, under the same key.",
    }
}


def answered(read: WriteResponse) -> Response:
    """The answer to a question, with its headers."""
    return Response(read.body.model_dump_json(), read.status, read.headers, media.JSON)


def written(
    model: type[BaseModel], description: str, status: int = 200, *, headers: dict[str, Any] | None = None
) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of a write that was done."""
    return {status: {"model": model, "description": description, "headers": REPLAYED | (headers or {})}}
