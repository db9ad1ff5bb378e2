"""A way to an ASGI application in the same process, without a socket: the port of the phone, answered by the real app.

What comes back is judged as `agent.adapters.http` judges what comes over a wire.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import ASGIApp, Message

from agent.ports import Answer, TransportError, TransportFault
from lab.world.addresses import current_source_address
from wire import limits

_HOST: Final = b"in-process.example"


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """Status, headers by their names in small letters, and body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Runner:
    """Calls one application, a request at a time, on an event loop of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        """Give the loop back."""
        self._loop.close()

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> RawAnswer:
        """What the application answers."""
        return self._loop.run_until_complete(self._ask(method, path, headers, body))

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> RawAnswer:
        incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[Message] = []

        async def receive() -> Message:
            return incoming.pop() if incoming else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(_scope(method, path, headers, len(body)), receive, send)
        start, *rest = sent
        named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
        return RawAnswer(start["status"], named, b"".join(part.get("body", b"") for part in rest))


def _scope(method: str, path: str, headers: dict[str, str], length: int) -> dict[str, Any]:
    route, _, query = path.partition("?")
    listed = [(b"host", _HOST), (b"content-length", str(length).encode())]
    listed += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": route,
        "raw_path": route.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": listed,
        "client": (current_source_address(), 1),
        "server": ("in-process.example", 80),
        "state": {},
    }


@dataclass(frozen=True, slots=True)
class InProcessTransport:
    """Implements `agent.ports.Transport` and `Downloads` over whatever application `running` gives, if any."""

    running: Callable[[], Runner | None]

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Send `body` and return the answer, whatever its status. Raises TransportError."""
        return self._exchange("POST", path, {"Content-Type": content_type, "Accept": accept}, body)

    def get(self, path: str, *, accept: str) -> Answer:
        """Fetch `path` and return the answer, whatever its status. Raises TransportError."""
        return self._exchange("GET", path, {"Accept": accept}, b"")

    def close(self) -> None:
        """Nothing is held."""

    def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        runner = self.running()
        if runner is None:
            raise TransportError(TransportFault.UNREACHABLE, "the server does not run")
        return judged(runner.ask(method, path, headers, body))


def judged(raw: RawAnswer) -> Answer:
    """The answer of the port, within its bounds. Raises TransportError."""
    if 300 <= raw.status < 400:
        raise TransportError(TransportFault.REDIRECTED, f"status {raw.status}")
    if len(raw.body) > limits.BODY_MAX:
        raise TransportError(TransportFault.TOO_LARGE, f"more than {limits.BODY_MAX} octets")
    media_type = raw.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Answer(raw.status, media_type, raw.body, _seconds(raw.headers.get("retry-after", "")))


def _seconds(value: str) -> int | None:
    """`Retry-After` in seconds; the server of the lab sends no dates."""
    return min(int(value), limits.RETRY_AFTER_MAX) if value.isascii() and value.isdigit() else None
