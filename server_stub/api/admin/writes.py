"""Write routes: idempotency keys, preconditions (`If-Match`), and responses that can be sent again."""

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel, StringConstraints

from server_stub.admin.context import AdminContext
from server_stub.admin.devices import DeviceAdmin
from server_stub.admin.idempotency import WriteResult
from server_stub.admin.policies import PolicyAdmin
from server_stub.api.admin.base_models import Missing
from server_stub.api.admin.problems import AdminCode, AdminError, responses
from server_stub.api.admin.route import context_of
from server_stub.store.records import AuditEntry
from server_stub.store.transaction import Store
from wire import media

_KEY: Final = r'^("[A-Za-z0-9._:-]{1,64}"|[A-Za-z0-9._:-]{1,64})$'
_TAG: Final = r'(W/)?"[!#-~]*"'

IdempotencyKey = Annotated[
    # The pattern is in the inner type because otherwise the OpenAPI document of an optional value lacks it.
    Annotated[str, StringConstraints(pattern=_KEY)] | Missing,
    Header(description="For 24 hours the same request with the same key gets the first response again."),
]

IfMatch = Annotated[
    Annotated[str, StringConstraints(max_length=1000, pattern=rf"^(\*|{_TAG}([ \t]*,[ \t]*{_TAG})*)$")]
    | Missing,
    Header(description="The `ETag` of the version that you have read."),
]

ETAG: Final[dict[str, Any]] = {
    "ETag": {"schema": {"type": "string"}, "description": "Identifies this text; send it back as If-Match."}
}
_REPLAYED: Final = {
    "Idempotency-Replayed": {
        "schema": {"type": "string", "enum": ["true"]},
        "description": "Present if this response was sent before for the same key.",
    }
}


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """One write: by which actor, on which store. The store is part of the transaction of the write."""

    context: AdminContext
    store: Store
    actor: str

    @property
    def devices(self) -> DeviceAdmin:
        """The administration of single devices."""
        return self.context.device_admin(self.store, self.actor)

    @property
    def policies(self) -> PolicyAdmin:
        """The administration of policies and campaigns."""
        return self.context.policy_admin(self.store)

    def audit(self, action: str, subject: str, reason: str, details: dict[str, Any]) -> None:
        """Append an audit entry."""
        entry = AuditEntry(self.context.clock(), self.actor, action, subject, reason, details)
        with self.store.transaction() as transaction:
            transaction.append_audit(entry)


@dataclass(frozen=True, slots=True)
class WriteResponse:
    """The response to a write. Without `status`, that of the route's first outcome."""

    body: BaseModel
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


Operation = Callable[..., BaseModel | WriteResponse]
"""Executes one write. It gets a `WriteRequest` and the parameters of its route."""


@dataclass(frozen=True, slots=True)
class WriteExecutor:
    """Executes the write of one HTTP request."""

    context: AdminContext
    actor: str
    key: str | None
    digest: str

    def execute(self, operation: Operation, status: int) -> Response:
        """Execute `operation` once in a transaction. Raises the errors that `translate` knows."""

        def write(store: Store) -> WriteResult:
            result = operation(WriteRequest(self.context, store, self.actor))
            response = result if isinstance(result, WriteResponse) else WriteResponse(result)
            body = response.body.model_dump_json().encode()
            return WriteResult(response.status or status, body, response.headers)

        result = self.context.writes.execute(write, key=self.key, request=self.digest)
        replayed = {"Idempotency-Replayed": "true"} if result.replayed else {}
        return Response(result.body, result.status, {**result.headers, **replayed}, media.JSON)


async def _write_executor(request: Request, idempotency_key: IdempotencyKey = None) -> WriteExecutor:
    key = idempotency_key.strip('"') if idempotency_key else None
    identity = (  # everything that defines the request, each part with its length
        request.method.encode(),
        request.url.path.encode(),
        request.headers.get("if-match", "").encode(),
        request.headers.get("if-none-match", "").encode(),
        await request.body(),
    )
    digest = hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in identity)).hexdigest()
    return WriteExecutor(context_of(request), request.state.actor, key, digest)


_EXECUTOR: Final = inspect.Parameter(
    "write",
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    annotation=Annotated[WriteExecutor, Depends(_write_executor)],
)


def write_route(  # noqa: PLR0913 - the parts of a route
    router: APIRouter,
    path: str,
    model: type[BaseModel],
    outcomes: Mapping[int, str],
    *errors: int,
    method: str = "POST",
    headers: Mapping[str, Any] | None = None,
) -> Callable[[Operation], Operation]:
    """Make a function the operation of a route, whose responses are a `model`.

    `outcomes` describes each successful response by its status; `errors` are the statuses of the errors that not every
    write has. In place of the first parameter, the request, the framework provides a `WriteExecutor`.
    """
    headers = _REPLAYED | dict(headers or {})
    described: dict[int | str, dict[str, Any]] = {
        status: {"model": model, "description": text, "headers": headers} for status, text in outcomes.items()
    }
    status = next(iter(outcomes))

    def register(operation: Operation) -> Operation:
        @wraps(operation)
        def endpoint(write: WriteExecutor, **parameters: Any) -> Response:
            return write.execute(partial(operation, **parameters), status)

        signature = inspect.signature(operation)
        _, *parameters = signature.parameters.values()
        endpoint.__signature__ = signature.replace(parameters=[_EXECUTOR, *parameters])  # type: ignore[attr-defined]
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            response_model=model,
            status_code=status,
            responses={**described, **responses(400, *errors, 413, 415)},
        )
        return operation

    return register


def json_response(read: WriteResponse) -> Response:
    """The HTTP response of a read, with its headers."""
    return Response(read.body.model_dump_json(), headers=read.headers, media_type=media.JSON)


def etag_header(etag: str) -> dict[str, str]:
    """The header that identifies the version in the response."""
    return {"ETag": f'"{etag}"'}


def require_match(if_match: str | None, etag: str | None, what: str) -> None:
    """Check `If-Match` (RFC 9110 section 13) against the present `etag`, None if nothing exists. Raises AdminError.

    An existing version is changed only with its `If-Match`, so that a client cannot overwrite one that it has not read.
    Only strong comparison counts.
    """
    if if_match is None:
        if etag is None:
            return
        detail = f"get {what} and send its ETag back as If-Match"
        raise AdminError(428, AdminCode.PRECONDITION_REQUIRED, detail)
    tags = {tag.strip() for tag in if_match.split(",")}
    if etag is None or not (if_match == "*" or f'"{etag}"' in tags):
        detail = f"{what} is not the version that you have read; get it again"
        raise AdminError(412, AdminCode.PRECONDITION_FAILED, detail)
