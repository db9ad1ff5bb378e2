"""A server of the attacker: it sends on a real socket what no honest server sends."""

import gzip
import socket
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Final

from wire import limits

Script = Callable[[socket.socket], None]
"""Sends a response."""

_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/jwt\r\n"


def endless(connection: socket.socket) -> None:
    """A body longer than any limit."""
    connection.sendall(_OK + b"\r\n")
    for _ in range(limits.BODY_MAX // 1024 * 4):
        connection.sendall(b"A" * 1024)


def redirect(connection: socket.socket) -> None:
    """A redirect to another host."""
    connection.sendall(
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://attacker.example/\r\nContent-Length: 0\r\n\r\n"
    )


def compressed(connection: socket.socket) -> None:
    """A compressed body, which the device did not request."""
    body = gzip.compress(bytes(10_000_000), mtime=0)
    connection.sendall(_OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def garbage(connection: socket.socket) -> None:
    """Bytes that are not HTTP."""
    connection.sendall(b"\x00\xffSSH-2.0-verdict\r\n\r\n")


def header_flood(connection: socket.socket) -> None:
    """Thousands of header fields."""
    connection.sendall(_OK + b"".join(b"X-%d: y\r\n" % number for number in range(5000)) + b"\r\n")


def cut(connection: socket.socket) -> None:
    """A body shorter than its Content-Length."""
    connection.sendall(_OK + b"Content-Length: 1000\r\n\r\neyJhbGciOiJFZDI1NTE5")


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """The origin of a server on a free port that runs `script` on every connection while the block runs."""

    class Handler(socketserver.StreamRequestHandler):
        timeout = 5

        def handle(self) -> None:
            # The device may close the connection before the script ends.
            with suppress(OSError):
                # The whole request is read first: a response before that would reset the connection.
                length = 0
                while (line := self.rfile.readline()).strip():
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                self.rfile.read(length)
                script(self.connection)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), name="rogue-server", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
