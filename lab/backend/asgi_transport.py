"""A transport that calls an ASGI application in the same process, without a socket.

Responses are checked as `agent.adapters.http` checks what it receives over HTTP.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Message, Scope

from agent.ports import Answer, TransportError, TransportFault
from lab.world.addresses import current_source_address
from lab.world.network import ForwardingTransport, Request
from wire import limits

_HOST: Final = "in-process.example"
ORIGIN: Final = f"http://{_HOST}"


@dataclass(frozen=True, slots=True)
class AsgiResponse:
    """Status, headers by their names in lower case, and body."""

    status: int
    headers: dict[str, str]
    body: bytes


class AsgiClient:
    """Sends requests to one application, one at a time, on a separate event loop."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        """Close the event loop."""
        self._loop.close()

    def request(self, method: str, path: str, headers: dict[str, str], body: bytes) -> AsgiResponse:
        """The response of the application."""
        return self._loop.run_until_complete(self._request(method, path, headers, body))

    async def _request(self, method: str, path: str, headers: dict[str, str], body: bytes) -> AsgiResponse:
        incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[Message] = []

        async def receive() -> Message:
            return incoming.pop() if incoming else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        route, _, query = path.partition("?")
        fields = {"host": _HOST, "content-length": str(len(body))} | headers
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": route,
            "raw_path": route.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()
            ],
            "client": (current_source_address(), 1),
            "server": (_HOST, 80),
            "state": {},
        }
        await self._app(scope, receive, send)
        start, *rest = sent
        named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
        return AsgiResponse(start["status"], named, b"".join(part.get("body", b"") for part in rest))


@dataclass(frozen=True)
class InProcessTransport(ForwardingTransport):
    """Sends requests to the application that `client` returns; None if the server does not run."""

    client: Callable[[], AsgiClient | None]

    def close(self) -> None:
        """Do nothing: no connection is open."""

    def _carry(self, request: Request) -> Answer:
        client = self.client()
        if client is None:
            raise TransportError(TransportFault.UNREACHABLE, "the server does not run")
        headers = {"Accept": request.accept}
        if request.content_type:
            headers["Content-Type"] = request.content_type
        return checked(client.request(request.method, request.path, headers, request.body))


def checked(response: AsgiResponse) -> Answer:
    """The response as the agent's port has it. Raises TransportError for a redirect and for a body that is too long."""
    if 300 <= response.status < 400:
        raise TransportError(TransportFault.REDIRECTED, f"status {response.status}")
    if len(response.body) > limits.BODY_MAX:
        raise TransportError(TransportFault.TOO_LARGE, f"more than {limits.BODY_MAX} bytes")
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    # The lab's server sends seconds, never a date (RFC 9110 section 10.2.3).
    after = response.headers.get("retry-after", "")
    seconds = min(int(after), limits.RETRY_AFTER_MAX) if after.isascii() and after.isdigit() else None
    return Answer(response.status, media_type, response.body, seconds)
