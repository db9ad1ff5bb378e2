"""A raw socket client, for tests of a server's limits."""

import json
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class RawResponse:
    """A response, read until the connection ended."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def free_port() -> str:
    """A port of the loopback address that no process uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def connect(origin: str) -> socket.socket:
    address = urlsplit(origin)
    assert address.hostname
    return socket.create_connection((address.hostname, address.port), timeout=60)


def read_to_end(client: socket.socket) -> RawResponse:
    """The response until the server ends the connection, also by a reset. Raises TimeoutError after 60 s of silence."""
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
    return RawResponse(int(first.split()[1]) if first else 0, headers, body)


def send_slowly(client: socket.socket, data: bytes, pause: float) -> int:
    """Send one byte at a time. Returns how many were sent before the server ended the connection."""
    for number, byte in enumerate(data):
        try:
            client.sendall(bytes([byte]))
        except OSError:
            return number
        time.sleep(pause)
    return len(data)
