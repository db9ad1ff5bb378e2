"""A plain HTTP client on a socket, and what it sees: the column "client sees" of docs/developers/faults.md."""

import re
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

PAGE = Path(__file__).parents[2] / "docs" / "developers" / "faults.md"
TOO_LONG = 1024 * 1024


@dataclass(frozen=True)
class Seen:
    """`what` is a word of the page; `body` what a client would read; `seconds` real time."""

    what: str
    body: bytes = b""
    seconds: float = 0.0


def table(column: int) -> dict[str, str]:
    """What the client sees of each kind of fault in this column: 1 of the proxy, 2 of the server."""
    rows = [line.strip("|").split("|") for line in PAGE.read_text("utf-8").splitlines()]
    return {
        kind: cells[0].strip()
        for cells in rows
        if len(cells) == 4
        for kind in re.findall(r"`([a-z0-9-]+)`", cells[column])
    }


def send(
    origin: str,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    content_type: str = "application/json",
    authorities: str | None = None,
    patience: float = 10,
) -> Seen:
    """Send one request, and wait at most `patience` seconds for its whole response."""
    began = time.monotonic()
    received = b""
    try:
        with _connected(origin, authorities, patience) as client:
            head = f"{method} {path} HTTP/1.1\r\nHost: server\r\nContent-Type: {content_type}\r\nConnection: close\r\n"
            client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            part = b"first"
            while part and len(received) < 2 * TOO_LONG:
                client.settimeout(max(0.001, began + patience - time.monotonic()))
                part = client.recv(65536)
                received += part
    except OSError as error:
        if b"HTTP/1.1 200" in received[1:]:
            return _seen(received, time.monotonic() - began)
        return Seen(next((what for kind, what in ERRORS.items() if isinstance(error, kind)), "unreachable"))
    return _seen(received, time.monotonic() - began)


ERRORS: dict[type[Exception], str] = {
    ssl.SSLCertVerificationError: "certificate",
    ssl.SSLError: "handshake",
    ConnectionResetError: "reset",
    ConnectionRefusedError: "refused",
    TimeoutError: "time-out",
    socket.gaierror: "unresolved",
}


def _connected(origin: str, authorities: str | None, patience: float) -> socket.socket:
    address = urlsplit(origin)
    client = socket.create_connection((address.hostname, address.port), timeout=patience)
    if address.scheme == "http":
        return client
    context = ssl.create_default_context(cafile=authorities)
    return context.wrap_socket(client, server_hostname=address.hostname)


def _seen(received: bytes, seconds: float) -> Seen:
    if not received.startswith(b"HTTP/1.1 "):
        return Seen("not HTTP")
    head, _, body = received.partition(b"\r\n\r\n")
    status = head.split()[1].decode()
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    length = int(fields.get(b"content-length", len(body)))
    media_type = fields.get(b"content-type", b"").split(b";")[0]
    marks = {
        "incomplete": len(body) < length,
        f"{status} twice": body[length:].startswith(b"HTTP/1.1 200"),
        f"{status} half": len(body) > length,
        f"{status} too long": len(body) > TOO_LONG,
        f"{status} mistyped": status == "200" and media_type not in (b"application/json", b"application/jwt"),
        status: True,
    }
    return Seen(next(mark for mark, holds in marks.items() if holds), body[:length], seconds)
