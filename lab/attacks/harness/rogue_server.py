"""A server that is not the vendor's: it says on a real socket what no honest server says."""

import gzip
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final

from wire import limits

Script = Callable[[socket.socket], None]

_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/jwt\r\n"


def endless(connection: socket.socket) -> None:
    """A body that goes on beyond every bound."""
    connection.sendall(_OK + b"\r\n")
    for _ in range(limits.BODY_MAX // 1024 * 4):
        connection.sendall(b"A" * 1024)


def redirect(connection: socket.socket) -> None:
    """Another host."""
    connection.sendall(
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://attacker.example/\r\nContent-Length: 0\r\n\r\n"
    )


def compressed(connection: socket.socket) -> None:
    """A body that was compressed although nobody asked for it."""
    body = gzip.compress(bytes(10_000_000), mtime=0)
    connection.sendall(_OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def garbage(connection: socket.socket) -> None:
    """No HTTP at all."""
    connection.sendall(b"\x00\xffSSH-2.0-verdict\r\n\r\n")


def header_flood(connection: socket.socket) -> None:
    """Thousands of header fields."""
    connection.sendall(_OK + b"".join(b"X-%d: y\r\n" % number for number in range(5000)) + b"\r\n")


def cut(connection: socket.socket) -> None:
    """Less of a body than was announced."""
    connection.sendall(_OK + b"Content-Length: 1000\r\n\r\neyJhbGciOiJFZDI1NTE5")


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """The origin of a server on a free port that plays `script` to every connection while the block runs."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = Thread(target=_loop, args=(listener, script), name="rogue-server", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        listener.close()


def _loop(listener: socket.socket, script: Script) -> None:
    """Until the listener is shut down, which ends `accept` with an error."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            _play(connection, script)


def _play(connection: socket.socket, script: Script) -> None:
    """A phone that has heard enough hangs up, and that ends the script."""
    try:
        _read_request(connection)
        script(connection)
    except OSError:
        return


def _read_request(connection: socket.socket) -> None:
    """Head and body of one request: answering before it is read would reset the connection."""
    connection.settimeout(5)
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(4096) or b"\r\n\r\n"
    head, _, body = received.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    missing = int(fields.get(b"content-length", b"0")) - len(body)
    while missing > 0 and (chunk := connection.recv(missing)):
        missing -= len(chunk)
