"""A client that is nothing but a socket, for tests of what a server does with impolite ones."""

import json
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Heard:
    """An answer read to its end, and how many seconds it took until the connection ended."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


def connect(origin: str, timeout: float = 10) -> socket.socket:
    address = urlsplit(origin)
    assert address.hostname
    return socket.create_connection((address.hostname, address.port), timeout=timeout)


def to_the_end(client: socket.socket, began: float) -> Heard:
    """What comes until the server ends the connection. A reset counts as an end."""
    received = b""
    try:
        while part := client.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    return Heard(int(first.split()[1]) if first else 0, headers, body, time.monotonic() - began)


def trickle(client: socket.socket, octets: bytes, pause: float) -> None:
    """Send an octet at a time, until all is sent or nobody takes it."""
    for octet in octets:
        try:
            client.sendall(bytes([octet]))
        except OSError:
            return
        time.sleep(pause)
