"""HTTP/1.1 on several kept connections from one thread, with little overhead for each request."""

import asyncio
import json
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

from agent.adapters.http import USER_AGENT
from lab.world.addresses import trusted_authorities
from wire.codes import ProblemCode

TIMEOUT: Final = 30.0
"""Seconds for a connection or a response, after which the connection is lost."""

_LENGTH_DIGITS: Final = 7
"""Most digits of the length of a body, which bounds what is held in memory."""

_PAUSE: Final = 0.1
"""Seconds after a lost connection before the next one is opened."""

TICK: Final = 0.2
"""Seconds between two yields of a run."""


class UnreadableResponseError(Exception):
    """The response is not HTTP/1 with a `Content-Length`, or it is too large."""


@dataclass(frozen=True, slots=True)
class LoadResponse:
    """A response. `seconds` is the time from the request to it, `at` its time by `perf_counter`."""

    status: int
    media_type: str
    body: bytes
    seconds: float
    at: float

    @property
    def code(self) -> str:
        """The code of its problem document; empty if there is none that this program knows."""
        try:
            return ProblemCode(json.loads(self.body)["code"]).value
        except (ValueError, TypeError, LookupError, RecursionError):
            return ""


class KeptConnections:
    """Sends requests to `origin` on up to `count` connections, each with one request in flight.

    `lost` counts connections that could not be opened, or that ended or timed out before a response. A request that is
    lost is not repeated, because evidence can be sent only once.
    """

    def __init__(self, origin: str, count: int) -> None:
        parts = urlsplit(origin)
        secure = parts.scheme == "https"
        self.lost = 0
        self._count = count
        self._host, self._port = parts.hostname or "", parts.port or (443 if secure else 80)
        self._head = f"host: {parts.netloc}\r\nuser-agent: {USER_AGENT}\r\naccept-encoding: identity\r\n"
        self._tls = ssl.create_default_context(cafile=trusted_authorities()) if secure else None
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        """Close the event loop. The connections are closed at the end of each run."""
        self._loop.close()

    def request(
        self, method: str, path: str, *, accept: str, content_type: str = "", body: bytes = b""
    ) -> bytes:
        """The bytes of a request."""
        about = f"content-type: {content_type}\r\n" if content_type else ""
        length = "" if method == "GET" else f"content-length: {len(body)}\r\n"
        return (
            f"{method} {path} HTTP/1.1\r\n{self._head}accept: {accept}\r\n{about}{length}\r\n".encode() + body
        )

    def run(self, requests: Iterator[bytes], receive: Callable[[LoadResponse], None]) -> Generator[None]:
        """Send all requests; `receive` gets each response. Yields every `TICK` until all are answered."""
        sending = {self._loop.create_task(self._send(requests, receive)) for _ in range(self._count)}
        waiting = sending
        try:
            while waiting:
                _, waiting = self._loop.run_until_complete(asyncio.wait(waiting, timeout=TICK))
                yield
        finally:
            for task in waiting:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*sending, return_exceptions=True))
        for task in sending:
            task.result()  # raises what a defect of this program raised

    async def _send(self, requests: Iterator[bytes], receive: Callable[[LoadResponse], None]) -> None:
        """Send requests on one connection, which is opened again if it is lost."""
        connection: tuple[StreamReader, StreamWriter] | None = None
        try:
            for request in requests:
                try:
                    async with asyncio.timeout(TIMEOUT):
                        if connection is None:
                            connection = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
                        kept = await _exchange(*connection, request, receive)
                except (OSError, EOFError, UnreadableResponseError):
                    self.lost += 1
                    kept = False
                    await asyncio.sleep(_PAUSE)
                if not kept and connection is not None:
                    connection[1].transport.abort()
                    connection = None
        finally:
            if connection is not None:
                connection[1].transport.abort()


async def _exchange(
    reader: StreamReader, writer: StreamWriter, request: bytes, receive: Callable[[LoadResponse], None]
) -> bool:
    """Send a request and receive its response. Returns whether the server keeps the connection.

    Raises OSError, EOFError and UnreadableResponseError.
    """
    begin = perf_counter()
    writer.write(request)
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.LimitOverrunError as error:
        raise UnreadableResponseError from error
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    length, status = fields.get("content-length", ""), lines[0][9:12]
    digits = status.isdecimal() and length.isdecimal() and len(length) <= _LENGTH_DIGITS
    if not (digits and lines[0].startswith("HTTP/1.")):
        raise UnreadableResponseError
    body = await reader.readexactly(int(length))
    at = perf_counter()
    media_type = fields.get("content-type", "").partition(";")[0].lower()
    receive(LoadResponse(int(status), media_type, body, at - begin, at))
    return lines[0].startswith("HTTP/1.1") and fields.get("connection", "").lower() != "close"
