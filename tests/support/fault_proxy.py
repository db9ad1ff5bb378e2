"""A server that sends exactly the bytes of a test on a real socket."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Script = Callable[[socket.socket], None]


def says(*parts: bytes, pause: float = 0.0) -> Script:
    """Read the request, send the parts with pauses between them, close."""

    def play(connection: socket.socket) -> None:
        read_request(connection)
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)

    return play


def drips(head: bytes, length: int, pause: float) -> Script:
    """Send `head` in one piece and then `length` single bytes, slowly."""
    return says(head, *[b"x"] * length, pause=pause)


def hangs(seconds: float) -> Script:
    """Read the request and send nothing."""

    def play(connection: socket.socket) -> None:
        read_request(connection)
        time.sleep(seconds)

    return play


def resets(connection: socket.socket) -> None:
    """Answer with a TCP reset."""
    read_request(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def read_request(connection: socket.socket) -> bytes:
    """The head of the request and as much of the body as came with it."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(4096)
        if not chunk:
            break
        received += chunk
    return received


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """The origin of a server on a free loopback port that runs `script` for every connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def loop() -> None:
        listener.settimeout(0.05)
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                try:
                    script(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        thread.join(60)
        listener.close()
