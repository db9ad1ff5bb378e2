"""A hostile network between a test and a server, without a phone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from agent.ports import Answer, TransportError
from lab.world.network import UpstreamTransport
from wire import media


def challenge(way: UpstreamTransport) -> Answer:
    return way.post(media.CHALLENGES_PATH, b"", content_type=media.JSON, accept=media.JSON)


def outcome(way: UpstreamTransport) -> tuple[Any, ...]:
    """What came of a request, without the body, which differs each time."""
    try:
        answer = challenge(way)
    except TransportError as error:
        return (error.fault,)
    return answer.status, answer.media_type, answer.retry_after


@contextmanager
def counting() -> Iterator[tuple[str, list[str]]]:
    """A server that answers everything, and the requests that it got."""
    got: list[str] = []

    class Counting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", media.JSON)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", got
        finally:
            server.shutdown()
            thread.join()
