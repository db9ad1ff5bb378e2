"""Requests through a fault proxy, without a device, and a server that counts them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from agent.ports import Answer, TransportError
from lab.world.network import UpstreamTransport
from wire import media


def challenge(transport: UpstreamTransport) -> Answer:
    return transport.post(media.CHALLENGES_PATH, b"", content_type=media.JSON, accept=media.JSON)


def outcome(transport: UpstreamTransport) -> tuple[Any, ...]:
    """The result of a challenge request, without the body, which differs each time."""
    try:
        answer = challenge(transport)
    except TransportError as error:
        return (error.fault,)
    return answer.status, answer.media_type, answer.retry_after


@contextmanager
def counting() -> Iterator[tuple[str, list[str]]]:
    """A server that answers every request, and the paths of the requests that it received."""
    received: list[str] = []

    class Counting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", media.JSON)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Write no log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", received
        finally:
            server.shutdown()
            thread.join()
