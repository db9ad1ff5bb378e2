"""Requests through a fault proxy, without a device, and a server that numbers them."""

import sys
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


Received = tuple[str, bytes]
"""The target of a request, and the body of the response."""


@contextmanager
def numbering(answers: int = sys.maxsize) -> Iterator[tuple[str, list[Received]]]:
    """A server that numbers its first `answers` responses and sends no others, and the requests that it answered."""
    received: list[Received] = []

    class Numbering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if len(received) >= answers:
                return
            body = b'{"number": %d, "long enough to take a second when it drips": true}' % len(received)
            received.append((self.requestline.split()[1], body))
            self.send_response(200)
            self.send_header("Content-Type", media.JSON)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: Any) -> None:
            """Write no log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Numbering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", received
        finally:
            server.shutdown()
            thread.join()
