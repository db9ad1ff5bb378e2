"""Injects the faults of `server_stub.admin.fault_injection` into responses to devices."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any, Final

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server_stub.admin.fault_injection import REFRESH_SECONDS, Faults, HonestAnswer, Injection
from server_stub.api.problems import problem
from server_stub.api.threads import worker_threads
from server_stub.clock import ClockError
from server_stub.faults.catalogue import SLOW, STATUS, FaultKind, Route
from server_stub.faults.responses import BROKEN, CHANGED, RAW_RESPONSE, RawResponse, fixed, in_pieces
from server_stub.key_repository import KeyRepositoryError
from server_stub.store.records import InjectedFault, StoreUnavailableError
from wire import media
from wire.codes import ProblemCode

SLOW_MAX: Final = 64
"""Most responses that wait at a time; while there are so many, no further one is made to wait."""

_PATIENCE_SECONDS: Final = 1.0
"""How long requests wait for one reading of the faults; then they are answered by those that are known."""
_REMEMBERED_MAX: Final = 32
_PIECE_SECONDS: Final = 0.25

_RAW: Final = frozenset({FaultKind.SLOW_HEADERS, *BROKEN})
"""These need the bytes of the connection."""
_CODES: Final = {
    401: ProblemCode.CHALLENGE_INVALID,
    409: ProblemCode.CHALLENGE_EXPIRED,
    429: ProblemCode.TOO_MANY_REQUESTS,
    503: ProblemCode.UNAVAILABLE,
}


class InjectedFaults:
    """ASGI middleware. A response is complete before a fault changes it; one that is itself an error is not changed.

    `clock` is in seconds and never decreases.
    """

    def __init__(self, app: ASGIApp, *, faults: Faults, clock: Callable[[], float]) -> None:
        self._app = app
        self._faults = faults
        self._clock = clock
        self._threads = worker_threads(1)
        self._fresh_until = float("-inf")
        self._reading: asyncio.Future[None] | None = None
        self._patient_until = float("-inf")
        self._earlier: dict[str, bytes] = {}
        self._slow = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and send its response or what a fault makes of it."""
        route = _route(scope)
        if route is None:
            await self._app(scope, receive, send)
            return
        pending = await self._pending(route)
        if not pending and route is not Route.CHALLENGES:
            await self._app(scope, receive, send)
            return
        sent: list[Message] = []

        async def collect(message: Message) -> None:
            sent.append(message)

        failed = True
        try:
            await self._app(scope, receive, collect)
            failed = False
        finally:
            if failed:  # the error is raised after its response
                await _send_all(sent, send)
        if not sent:  # the client has gone
            return
        start, *rest = sent
        body = b"".join(part.get("body", b"") for part in rest)
        injection = None
        if start["status"] == 200 and scope["method"] != "HEAD":
            known = self._earlier.get(scope["path"])
            earlier = known if known != body else None
            injection = await self._inject(scope, route, earlier) if pending else None
            self._remember(scope["path"], body)
        if injection is None:
            await _send_all(sent, send)
        else:
            scope["state"]["fault"] = injection.fault.kind
            await self._send(injection, _response(start, body), scope, receive, send)

    async def _pending(self, route: Route) -> bool:
        """Whether there may be a fault for `route`, by a reading that began less than `REFRESH_SECONDS` ago."""
        now = self._clock()
        await self._wait_for_reading()
        if now >= self._fresh_until and (self._reading is None or self._reading.done()):
            began = self._clock()
            self._fresh_until, self._patient_until = began + REFRESH_SECONDS, began + _PATIENCE_SECONDS
            self._reading = asyncio.ensure_future(self._threads(self._read))
            await self._wait_for_reading()
        return any(fault.route is route for fault in self._faults.known)

    async def _wait_for_reading(self) -> None:
        if self._reading is not None and not self._reading.done():
            await asyncio.wait({self._reading}, timeout=max(0.0, self._patient_until - self._clock()))

    def _read(self) -> None:
        with suppress(StoreUnavailableError):
            self._faults.refresh()

    async def _inject(self, scope: Scope, route: Route, earlier: bytes | None) -> Injection | None:
        state = scope["state"]
        answer = HonestAnswer(route, scope["path"], state.get("verdict"), state.get("evidence", b""), earlier)
        raw = RAW_RESPONSE in scope.get("extensions", {})

        def possible(kind: FaultKind) -> bool:
            return (raw or kind not in _RAW) and (kind not in SLOW or self._slow < SLOW_MAX)

        def inject() -> Injection | None:
            with suppress(StoreUnavailableError, KeyRepositoryError, ClockError):
                return self._faults.inject(answer, possible)
            return None

        return await self._threads(inject)

    def _remember(self, path: str, body: bytes) -> None:
        """Keep the body for a replay: the newest challenge, and of a key file the first since a fault was pending."""
        if path == media.CHALLENGES_PATH:
            self._earlier[path] = body
        elif path.startswith("/tuf/") and len(self._earlier) < _REMEMBERED_MAX:
            self._earlier.setdefault(path, body)

    async def _send(
        self, injection: Injection, honest: RawResponse, scope: Scope, receive: Receive, send: Send
    ) -> None:
        fault, kind = injection.fault, injection.fault.kind
        if kind in SLOW:
            self._slow += 1
        try:
            if kind is FaultKind.SLOW:
                await _wait(receive, fault.delay or 0)
            if kind in _RAW:
                await _send_raw(honest, _parts_of(fault), send)
            elif kind is FaultKind.ERROR or (kind in STATUS and kind is not FaultKind.SERVER_ERROR):
                await _problem(fault, _kept(honest), Request(scope))(scope, receive, send)
            else:
                await _send(self._changed(injection, honest), send)
        finally:
            if kind in SLOW:
                self._slow -= 1

    def _changed(self, injection: Injection, honest: RawResponse) -> RawResponse:
        kind = injection.fault.kind
        if injection.body is not None:
            return replace(honest, body=injection.body)
        if kind in CHANGED:
            return CHANGED[kind](honest, Random(self._faults.random(32)))  # noqa: S311 - bytes of a wrong response
        if kind is FaultKind.SLOW:
            return honest
        wrong = fixed(kind)
        return replace(wrong, headers=(*wrong.headers, *_kept(honest).items()))


def _route(scope: Scope) -> Route | None:
    """The route of a device's request, None for any other."""
    if scope["type"] != "http":
        return None
    path: str = scope["path"]
    routes = (Route.CHALLENGES, Route.VERDICTS, Route.KEYS)
    return next((route for route in routes if route.matches(path)), None)


def _response(start: Message, body: bytes) -> RawResponse:
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in start["headers"]
        if name != b"content-length"
    )
    return RawResponse(start["status"], headers, body)


async def _wait(receive: Receive, seconds: float) -> None:
    """Wait, but not longer than the client."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


def _kept(honest: RawResponse) -> dict[str, str]:
    """The headers of every response of this server."""
    return {name: value for name, value in honest.headers if name not in ("content-type", "cache-control")}


def _problem(fault: InjectedFault, headers: dict[str, str], request: Request) -> Any:
    status = fault.status or STATUS.get(fault.kind, 503)
    retry = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    code = _CODES.get(status, ProblemCode.INTERNAL)
    return problem(request, status, code, "an operator requested this fault", headers | retry)


def _parts_of(fault: InjectedFault) -> Callable[[RawResponse], list[tuple[float, bytes]]]:
    """What is written to the connection for a response: bytes, each after so many seconds."""
    if fault.kind is FaultKind.SLOW_HEADERS:
        return lambda response: in_pieces(response, fault.delay or 0, _PIECE_SECONDS)
    return lambda response: [(0, BROKEN[fault.kind](response))]


async def _send_all(messages: list[Message], send: Send) -> None:
    for message in messages:
        await send(message)


async def _send(response: RawResponse, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": False})


async def _send_raw(
    response: RawResponse, parts: Callable[[RawResponse], list[tuple[float, bytes]]], send: Send
) -> None:
    """Let the connection write `parts` with the headers that are still added on the way to it."""

    def with_headers(headers: list[tuple[bytes, bytes]]) -> list[tuple[float, bytes]]:
        named = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
        return parts(replace(response, headers=named))

    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": headers,
            RAW_RESPONSE: with_headers,
        }
    )
