"""One log line for each request: its number, route, status and code. Never a path, a header or a body."""

import logging
from collections.abc import Callable
from typing import Final, TextIO

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID: Final = b"x-request-id"

Log = structlog.typing.FilteringBoundLogger


def json_log(stream: TextIO) -> Log:
    """A log that writes JSON lines to `stream`."""
    log: Log = structlog.wrap_logger(
        structlog.WriteLogger(stream),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
    )
    return log


class RequestLog:
    """ASGI middleware that numbers requests and logs them, if there is a log, when they are answered."""

    def __init__(self, app: ASGIApp, *, request_ids: Callable[[], str], log: Log | None) -> None:
        self._app = app
        self._request_ids = request_ids
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a number in its state."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._request_ids()
        state = scope.setdefault("state", {})
        state["request_id"] = request_id

        async def send_numbered(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID, request_id.encode())]
                self._write(scope, message["status"])
            await send(message)

        await self._app(scope, receive, send_numbered)

    def _write(self, scope: Scope, status: int) -> None:
        state = scope["state"]
        # The path that was asked for may hold anything; the route's own is a constant of this program.
        route = getattr(scope.get("route"), "path", "none")
        if self._log is None:
            return
        self._log.info(
            "request",
            request_id=state["request_id"],
            method=scope["method"] if scope["method"] in _METHODS else "other",
            route=route,
            status=status,
            **{name: str(state[name]) for name in _LOGGED if name in state},
        )


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LOGGED: Final = ("problem", "failure", "decision", "reason", "rule")
