"""Servers for measurements, each in its own process, and a client with little overhead.

Both run uvicorn with the options of the real server and one worker, so that only the application differs.
"""

import multiprocessing
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.phones import MANUFACTURER
from server_stub.api.app import create_app
from server_stub.configuration import Configuration
from server_stub.server import build_service, listen, system_clock
from server_stub.settings_sources import LoadedSettings
from server_stub.store import alembic_migrations
from server_stub.store.sql import SqlStore
from server_stub.verdicts.service import VerdictService
from wire import media

_START_SECONDS: Final = 30
_STOP_SECONDS: Final = 10


@contextmanager
def serving(serve: Callable[[Connection, str], None], place: str) -> Iterator["EvidenceClient"]:
    """Run `serve` in its own process, and yield a client that is connected to it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, place), daemon=True)
    process.start()
    try:
        if not ours.poll(_START_SECONDS):
            raise RuntimeError(f"the server did not start within {_START_SECONDS} s")
        with closing(EvidenceClient(ours.recv())) as client:
            yield client
    finally:
        process.terminate()
        process.join(_STOP_SECONDS)


def verdict_service(store: SqlStore, clock: Callable[[], int] = system_clock) -> VerdictService:
    """The service of the benchmark's manufacturer, with default settings."""
    return build_service(
        Configuration.load(LoadedSettings()),
        MANUFACTURER.secrets,
        store,
        issuer=MANUFACTURER.issuer,
        audience=MANUFACTURER.audience,
        clock=clock,
    )


def serve_verdicts(pipe: Connection, place: str) -> None:
    """The real server over the database at `place`."""
    _run(create_app(verdict_service(SqlStore(place, alembic_migrations))), pipe)


def serve_bare(pipe: Connection, _: str) -> None:
    """One Starlette route that reads a body and returns as many bytes as a verdict has."""

    async def answer(request: Request) -> Response:
        await request.body()
        return Response(b"x" * 900, media_type=media.VERDICT)

    app = Starlette(routes=[Route(media.VERDICTS_PATH, answer, methods=["POST"])])
    _run(app, pipe)


def _run(app: Starlette, pipe: Connection) -> None:
    """Send the port and run. The socket listens before the server runs, so clients can connect immediately."""
    config = uvicorn.Config(app, access_log=False, log_config=None, server_header=False, lifespan="off")
    listener = listen("127.0.0.1", 0)
    pipe.send(listener.getsockname()[1])
    uvicorn.Server(config).run(sockets=[listener])


class EvidenceClient:
    """Posts evidence over one persistent connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def post(self, evidence: bytes) -> bytes:
        """The body of the response. Raises RuntimeError if its status is not 200."""
        head = (
            f"POST {media.VERDICTS_PATH} HTTP/1.1\r\nhost: localhost\r\naccept: {media.VERDICT}\r\n"
            f"content-type: {media.EVIDENCE}\r\ncontent-length: {len(evidence)}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + evidence)
        answer_head, body, length = b"", b"", -1
        while len(body) != length:
            received = self._socket.recv(65536)
            if not received:
                raise RuntimeError("the server closed the connection")
            body += received
            if length < 0 and b"\r\n\r\n" in body:
                answer_head, _, body = body.partition(b"\r\n\r\n")
                fields = (line.lower().partition(b":") for line in answer_head.split(b"\r\n"))
                length = next(int(value) for name, _, value in fields if name == b"content-length")
        if not answer_head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the server answered {answer_head[9:12].decode()}: {body[:300].decode()}")
        return body
