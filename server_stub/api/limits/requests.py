"""What every request passes before it is looked at: the rate of its address, the size and the pace of its body.

A body is taken in whole, within its bounds, before anything of the application runs: nothing is parsed of one that is
too long, and a client that sends an octet a second occupies a connection and nothing else.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server_stub.api.limits.rates import RateLimit, of_address
from server_stub.api.limits.settings import ServerLimits
from server_stub.api.metrics import Limit, Metrics
from server_stub.api.problems import ApiError, refusal
from wire.codes import ProblemCode

_LENGTH: Final = b"content-length"


class RequestLimitMiddleware:
    """ASGI middleware that refuses with a problem document what is too much, too long or too slow."""

    def __init__(
        self, app: ASGIApp, *, manners: ServerLimits, metrics: Metrics, clock: Callable[[], float]
    ) -> None:
        self._app = app
        self._manners = manners
        self._metrics = metrics
        rate = manners.rate_per_address
        self._rate = RateLimit(rate, clock, manners.rate_memory) if rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its whole body, or answer it here."""
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
        if self._rate is None:
            return
        client = scope.get("client")
        wait = self._rate.refuses(of_address(client[0]) if client else "unknown")
        if wait is not None:
            self._metrics.limited(Limit.ADDRESS)
            raise ApiError(429, ProblemCode.TOO_MANY_REQUESTS, "this address asks too often", wait)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body. None where the client has gone. Raises ApiError."""
        for name, value in scope["headers"]:
            if name == _LENGTH and not value.isdigit():
                raise ApiError(400, ProblemCode.REQUEST_MALFORMED, "Content-Length is not a number")
            if name == _LENGTH and int(value[:20]) > self._manners.body_max:
                raise self._too_long()
        message = await receive()  # what came with the headers; most requests are whole by now
        if message["type"] == "http.disconnect":
            return None
        if message.get("more_body"):
            return await self._slow_body(message.get("body", b""), receive)
        body: bytes = message.get("body", b"")
        self._check_length(body)
        return body

    async def _slow_body(self, begun: bytes, receive: Receive) -> bytes | None:
        body = bytearray(begun)
        try:
            async with asyncio.timeout(self._manners.body_seconds):
                while True:
                    self._check_length(body)
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    if not message.get("more_body"):
                        self._check_length(body)
                        return bytes(body)
        except TimeoutError:
            detail = f"a body must arrive within {self._manners.body_seconds:g} s"
            raise ApiError(408, ProblemCode.REQUEST_TIMED_OUT, detail) from None

    def _check_length(self, body: bytes | bytearray) -> None:
        if len(body) > self._manners.body_max:
            raise self._too_long()

    def _too_long(self) -> ApiError:
        detail = f"a body may have at most {self._manners.body_max} octets"
        return ApiError(413, ProblemCode.BODY_TOO_LARGE, detail)
