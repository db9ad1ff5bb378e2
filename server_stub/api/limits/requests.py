"""Limits that apply to every request before it is routed: the rate of its address, and the size and time of its body.

The middleware reads the whole body before the application runs: a body that is too long is not parsed, and a client
that sends one byte a second occupies one connection and no thread.
"""

import asyncio
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server_stub.admin.context import PREFIX as ADMIN_PREFIX
from server_stub.api.limits.rates import LimitsInForce
from server_stub.api.metrics import METRICS_PATH, Limit, Metrics
from server_stub.api.problems import ApiError, refusal
from wire.codes import ProblemCode

_OPERATIONS: Final = ("/healthz", "/readyz", METRICS_PATH)


def _limit_of(path: str) -> Limit:
    """The rate that a request counts against: a flood of one kind must not stop the others."""
    if path in _OPERATIONS:
        return Limit.OPERATIONS
    return Limit.ADMIN if path.startswith(f"{ADMIN_PREFIX}/") else Limit.ADDRESS


class RequestLimitMiddleware:
    """ASGI middleware that rejects requests which are too frequent, too long or too slow with a problem document."""

    def __init__(self, app: ASGIApp, *, limits: LimitsInForce, metrics: Metrics) -> None:
        self._app = app
        self._limits = limits
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its whole body, or reject it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check_rate(scope)
            body = await self._body(scope, receive)
        except ApiError as error:
            await refusal(Request(scope), error)(scope, receive, send)
            return
        if body is None:
            return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_whole() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, receive_whole, send)

    def _check_rate(self, scope: Scope) -> None:
        limit = _limit_of(scope["path"])
        client = scope.get("client")
        wait = self._limits.refuses(limit, client[0] if client else "")
        if wait is not None:
            self._metrics.limited.labels(limit).inc()
            raise ApiError(429, ProblemCode.TOO_MANY_REQUESTS, "too many requests from this address", wait)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body. None if the client has closed the connection. Raises ApiError."""
        for name, value in scope["headers"]:
            if name == b"content-length":
                if not value.isdigit():
                    raise ApiError(400, ProblemCode.REQUEST_MALFORMED, "Content-Length is not a number")
                self._check_length(int(value[:20]))
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.values.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    self._check_length(len(body))
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            detail = f"the body must arrive within {self._limits.values.body_seconds:g} s"
            raise ApiError(408, ProblemCode.REQUEST_TIMED_OUT, detail) from None

    def _check_length(self, length: int) -> None:
        if length > self._limits.values.body_max:
            detail = f"the body may have at most {self._limits.values.body_max} bytes"
            raise ApiError(413, ProblemCode.BODY_TOO_LARGE, detail)
