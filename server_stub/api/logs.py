"""One log line for each request: its id, route, status, code and time. Never a path, a header or a body."""

import re
from collections.abc import Callable
from typing import Any, Final, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server_stub.api.metrics import Metrics

REQUEST_ID: Final = b"x-request-id"
_UUID: Final = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
"""RFC 9562 section 4. No other form is accepted from a client: it could be an IMEI."""


class Log(Protocol):
    """A structured log."""

    def info(self, event: str, **fields: object) -> object:
        """Write one line."""

    def warning(self, event: str, **fields: object) -> object:
        """Write one line about what an operator should change."""


class RequestLog:
    """ASGI middleware that gives each request an id, and counts and logs its response.

    The id is the client's `X-Request-Id` if that is a UUID, so that the logs of both can be compared, else a new one.
    `clock` is in seconds and never decreases.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        request_ids: Callable[[], str],
        log: Log | None,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._app = app
        self._request_ids = request_ids
        self._log = log
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its id in its state."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = self._clock()
        request_id = _client_request_id(scope) or self._request_ids()
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID, request_id.encode())]
                self._record(scope, message["status"], self._clock() - began)
            await send(message)

        self._metrics.in_progress.inc()
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._metrics.in_progress.dec()

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        state: dict[str, Any] = scope["state"]
        # The path of the request is free text; the path of the route is a constant of this program.
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.answered(method, route, status, seconds)
        if code := state.get("problem"):
            self._metrics.problems.labels(code).inc()
        if self._log is None:
            return
        self._log.info(
            "request",
            request_id=state["request_id"],
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            **{name: str(state[name]) for name in _LOGGED if name in state},
        )


def _client_request_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == REQUEST_ID:
            return value.decode() if _UUID.fullmatch(value) else None
    return None


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LOGGED: Final = ("problem", "failure", "fault", "decision", "reason", "rule")
