"""Fuzzing of the server's HTTP: a document is what one client sends, in pieces separated by FS (0x1C).

The connection has no socket: the protocol class, the middleware and the routes are the server's.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from functools import cache, partial
from typing import Any, Final

import h11
import uvicorn
from uvicorn.server import ServerState

from fuzz.cost import BoundedTarget, CostBudget, repeated
from fuzz.fault import hold
from server_stub.api.app import create_app
from server_stub.api.limits.settings import ServerLimits
from server_stub.server import uvicorn_config
from tests.support.server_phone import Phone, service
from wire import media

_PIECE: Final = b"\x1c"
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")
_LENGTH: Final = re.compile(rb"(?im)^content-length: (\d+)\r$")
_VERSION_NOT_SUPPORTED: Final = 505
_END_SECONDS: Final = 10.0
"""How long the server may take to finish a request after the client closed the connection."""


class _Wire(asyncio.Transport):
    """A client that reads immediately, and does not close."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 40000), "sockname": ("192.0.2.2", 443)})
        self.sent = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """The fuzzer has sent everything already."""

    resume_reading = pause_reading


def read(document: bytes) -> None:
    """Send the document. Every response is complete and no internal error, and nothing is left of the connection."""
    loop = _loop()
    wire = _Wire()
    loop.run_until_complete(_serve(wire, document.split(_PIECE)))
    requests = document.replace(_PIECE, b"").count(b"\n") + 1
    _check_responses(bytes(wire.sent), requests)


def _check_responses(sent: bytes, requests: int) -> None:
    at, count = 0, 0
    while at < len(sent):
        match = _STATUS.match(sent, at)
        hold("the server sends responses only", holds=match is not None)
        if match is None:
            return
        status, head = int(match[1]), match[2].lower()
        hold("no request causes an internal error", holds=status < 500 or status == _VERSION_NOT_SUPPORTED)
        hold("each response forbids to guess its type", holds=b"x-content-type-options: nosniff" in head)
        length = _LENGTH.search(match[2])
        hold("each response has a length", holds=length is not None or status < 200)
        at = match.end()
        body = sent[at : at + int(length[1])] if length else b""
        # The response to HEAD states the length of a body that does not follow.
        if body[:5] != b"HTTP/":
            hold("a body is complete", holds=length is None or len(body) == int(length[1]) or not body)
            at += len(body)
            if media.PROBLEM.encode() in head and body:
                hold("a problem names its status", holds=json.loads(body)["status"] == status)
        count += 1
    hold("there are at most as many responses as requests", holds=count <= requests)


async def _serve(wire: _Wire, pieces: list[bytes]) -> None:
    state = ServerState()
    config = _config()
    connection: Any = config.http_protocol_class(config=config, server_state=state, app_state={})  # type: ignore[call-arg]
    connection.connection_made(wire)
    for piece in filter(
        None, pieces
    ):  # no data is the end of the input for h11, which asyncio reports otherwise
        if wire.closed:
            break
        connection.data_received(piece)
        await asyncio.sleep(0)
    while state.tasks and connection.conn.their_state is not h11.SEND_BODY:
        await asyncio.wait(state.tasks, timeout=1, return_when=asyncio.FIRST_COMPLETED)
    connection.connection_lost(None)
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=_END_SECONDS)
    hold("a request ends with its connection", holds=not state.tasks)


_LIMITS: Final = ServerLimits(connections_max=1)
"""A connection that is counted after its end makes the server refuse the next one with 503."""


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


@cache
def _config() -> uvicorn.Config:
    request_ids = partial(str, "00000000-0000-4000-8000-000000000000")
    config = uvicorn_config(create_app(service(), limits=_LIMITS, request_ids=request_ids))
    config.load()
    return config


def work(document: bytes) -> int:
    """The length, and as much for each request as a short one costs: rates, which are off here, limit their number."""
    return len(document) + 500 * document.count(b"HTTP/1")


fuzz_one: Final = BoundedTarget(
    read, CostBudget(0.1, 40e-6, 4_000_000, 200), (2_000, 8_000, 32_000), work=work
)


def seeds() -> Iterator[bytes]:
    """A request of each route, broken requests, and units of headers, chunks, pieces and requests."""
    host = b"Host: verdict.example\r\n"
    challenge = media.CHALLENGES_PATH.encode()
    post = b"POST " + media.VERDICTS_PATH.encode() + b" HTTP/1.1\r\n" + host
    evidence = Phone().evidence("bm9uY2UtZm9yLWZ1enppbmc")
    head = post + b"Content-Type: " + media.EVIDENCE.encode() + b"\r\n"
    yield b"1" + head + b"Content-Length: %d\r\n\r\n" % len(evidence) + evidence
    yield b"1POST " + challenge + b" HTTP/1.1\r\n" + host + b"Content-Length: 0\r\n\r\n"
    for path in (b"/healthz", b"/readyz", b"/metrics", b"/openapi.json", b"/docs", b"/%00/..//?a=%ff"):
        for method in (b"GET ", b"HEAD "):
            yield b"1" + method + path + b" HTTP/1.1\r\n" + host + b"\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    yield b"1" + chunked + b"3\r\nabc\r\n0\r\n\r\n"
    yield (
        b"1"
        + head
        + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    )
    yield b"1GET / HTTP/2.0\r\n\r\n"
    get = b"GET /healthz HTTP/1.1\r\n" + host
    units = (
        (get, b"X-\0: 1\r\n", b"\r\n"),
        (b"GET /", b"a/", b" HTTP/1.1\r\n" + host + b"\r\n"),
        (b"GET /?", b"a=b&", b" HTTP/1.1\r\n" + host + b"\r\n"),
        (b"", get + b"\r\n", b""),
        (chunked, b"1\r\nx\r\n", b"0\r\n\r\n"),
        (chunked, b"1\r\nx\r\n\x1c", b"0\r\n\r\n"),
        (head + b"Content-Length: 60000\r\n\r\n", b"x\x1c", b""),
        (get + b"X: ", b"a\x1c", b"\r\n\r\n"),
        (chunked + b"1;", b"a", b"\r\nx\r\n0\r\n\r\n"),
        (chunked + b"0\r\n", b"a: b\r\n", b"\r\n"),
        (b"", b"\r\n", get + b"\r\n"),
        (head + b"Content-Length: 12000\r\n\r\n", b"W10.", b""),
    )
    yield from repeated(units)
