"""What a developer expects of a client's evidence: claims by their paths. Pure, except for the middleware.

A request that misses an expectation is answered before the server reads it: no nonce is spent, nothing is recorded.
"""

import binascii
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import Field, RootModel, StringConstraints, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lab.world.jose import unb64
from server_stub.api.admin.base_models import Missing, RequestModel, ResponseModel
from server_stub.api.admin.problems import AdminCode
from server_stub.api.problems import TYPE_BASE
from server_stub.evidence import strict_json
from server_stub.store.reading import Reading
from server_stub.store.records import StoreUnavailableError
from server_stub.store.transaction import Store, Transaction
from wire import media
from wire.model import Word

CLAIMS_MAX: Final = 64
_VALUE_MAX: Final = 1024
"""Most characters of a value as JSON, in an expectation and in a response."""

_ABSENT: Final = object()

ClaimPath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,7}$", max_length=128)
]
"""Members from the outside to the inside; a number is an index of a list: `telephony.sims.0.status`."""


class Presence(StrEnum):
    """Whether a claim is there, whatever its value."""

    ABSENT = "absent"
    ANY = "any"


class ExpectedClaim(RequestModel):
    """Either `equals`, a JSON value of the same type, or `presence`."""

    claim: ClaimPath = Field(examples=["telephony.serving.plmn.mcc"])
    equals: Any | Missing = None
    presence: Word[Presence] | Missing = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.equals is None) == (self.presence is None):
            raise ValueError("give either equals, which is not null, or presence")
        try:
            text = _text({"equals": self.equals})
            strict_json.read_object(text.encode())  # no claim is nested deeper
        except (RecursionError, strict_json.JsonError) as error:
            raise ValueError("equals is nested deeper than a claim can be") from error
        if len(text) > _VALUE_MAX:
            raise ValueError(f"equals has at most {_VALUE_MAX} characters as JSON")
        return self

    def is_met(self, received: object) -> bool:
        """Whether the value of the claim, `_ABSENT` without one, is as expected."""
        if self.presence is None:
            return received is not _ABSENT and _text(received) == _text(self.equals)
        return (self.presence is Presence.ABSENT) == (received is _ABSENT)


class MissedExpectation(ResponseModel):
    """A claim that differs. A value that is too long as JSON is the beginning of that text."""

    claim: str
    expected: dict[str, Any]
    received: dict[str, Any]


class ExpectedClaims(RootModel[tuple[ExpectedClaim, ...]]):
    """Everything that is expected of every request for a verdict. The store has its JSON text."""

    @classmethod
    def read(cls, reading: Reading) -> Self:
        """The expectations in the store."""
        text = reading.expectations()
        return cls(()) if text is None else cls.model_validate_json(text)

    def write(self, transaction: Transaction) -> None:
        """Replace the expectations in the store, for all processes on the database."""
        transaction.set_expectations(self.model_dump_json(exclude_none=True) if self.root else None)

    def missed(self, evidence: bytes) -> list[MissedExpectation]:
        """The claims of `evidence` that differ. Evidence that is no JWS with JSON is left to the server."""
        if not self.root:
            return []
        try:
            claims = strict_json.read_object(unb64(evidence.split(b".")[1]))
        except (IndexError, binascii.Error, strict_json.JsonError):
            return []
        return list(self._missed(claims))

    def _missed(self, claims: object) -> Iterator[MissedExpectation]:
        for expected in self.root:
            received = _at(claims, expected.claim)
            if not expected.is_met(received):
                yield MissedExpectation(
                    claim=expected.claim,
                    expected=_shown(expected.equals)
                    if expected.presence is None
                    else {"presence": expected.presence.value},
                    received={"presence": "absent"} if received is _ABSENT else _shown(received),
                )


class ExpectationCheck:
    """ASGI middleware: answers 422 to evidence that misses an expectation. Its body must arrive in one message."""

    def __init__(self, app: ASGIApp, *, store: Store) -> None:
        self._app = app
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or reject it."""
        if scope["type"] != "http" or scope["path"] != media.VERDICTS_PATH:
            await self._app(scope, receive, send)
            return
        first = await receive()
        if missed := await run_in_threadpool(self._missed, first.get("body", b"")):
            await _problem(Request(scope), missed)(scope, receive, send)
            return
        unread: list[Message] = [first]

        async def receive_again() -> Message:
            return unread.pop() if unread else await receive()

        await self._app(scope, receive_again, send)

    def _missed(self, evidence: bytes) -> list[MissedExpectation]:
        """What the store expects and `evidence` misses; nothing if it cannot be read, as the server says itself."""
        with suppress(StoreUnavailableError), self._store.reading() as reading:
            return ExpectedClaims.read(reading).missed(evidence)
        return []


def install(app: FastAPI, store: Store) -> None:
    """Check the requests of `app`. The server's own middleware has read their bodies, which are bounded."""
    app.add_middleware(ExpectationCheck, store=store)


def _at(value: object, path: str) -> object:
    for name in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(name, _ABSENT)
        elif isinstance(value, list) and name.isascii() and name.isdigit() and len(name) < 6:
            value = value[int(name)] if int(name) < len(value) else _ABSENT
        else:
            return _ABSENT
    return value


def _text(value: object) -> str:
    """The JSON text of a value, the same for equal values of the same types."""
    return json.dumps(value, sort_keys=True)


def _shown(value: object) -> dict[str, Any]:
    text = _text(value)
    return {"equals": value} if len(text) <= _VALUE_MAX else {"begins": text[:_VALUE_MAX]}


def _problem(request: Request, missed: list[MissedExpectation]) -> Response:
    """RFC 9457 with the members of the first claim that differs, and all of them in `errors`. ASCII only."""
    request.state.problem = AdminCode.EXPECTATION_MISSED
    document = {
        "type": f"{TYPE_BASE}{AdminCode.EXPECTATION_MISSED}",
        "title": "Expectation missed",
        "status": 422,
        "code": AdminCode.EXPECTATION_MISSED.value,
        "detail": f"the claim {missed[0].claim} is not as PUT /lab/v1/expectations expects it",
        "instance": f"urn:uuid:{request.state.request_id}",
        **missed[0].model_dump(),
        "errors": [each.model_dump() for each in missed],
    }
    return Response(json.dumps(document), 422, media_type=media.PROBLEM)
