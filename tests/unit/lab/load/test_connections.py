"""Kept connections: which responses are read, and when a connection is lost or opened again."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from lab.load.connections import KeptConnections, LoadResponse

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nok"
LAST = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
OLD = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"


def request_on(connection: socket.socket) -> bytes:
    """A request, or nothing at the end of the connection."""
    with suppress(ConnectionError):
        return connection.recv(65536)
    return b""


@contextmanager
def answering(answers: list[bytes]) -> Iterator[tuple[str, list[socket.socket]]]:
    """The origin of a server that gives these answers in turn, and its connections. An incomplete one is the last."""
    connections: list[socket.socket] = []

    def serve() -> None:
        for answer in answers:
            while not connections or not request_on(connections[-1]):
                connections.append(listener.accept()[0])
            with suppress(ConnectionError):
                connections[-1].sendall(answer)
            if answer in (b"", OK[:-1]):
                connections[-1].shutdown(socket.SHUT_RDWR)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", connections
        thread.join()
    for each in connections:
        each.close()


@pytest.mark.parametrize(
    ("answers", "statuses", "lost", "connections"),
    [
        ([OK, OK, OK], [200, 200, 200], 0, 1),
        ([OK, LAST, OK], [200, 503, 200], 0, 2),
        ([OLD, OK], [200, 200], 0, 2),
        ([b"", OK], [200], 1, 2),
        ([OK[:-1], OK], [200], 1, 2),
        ([b"SSH-2.0-OpenSSH\r\n\r\n", OK], [200], 1, 2),
        ([b"HTTP/1.1 abc\r\nContent-Length: 2\r\n\r\nok", OK], [200], 1, 2),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", OK], [200], 1, 2),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", OK], [200], 1, 2),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", OK], [200], 1, 2),
        ([b"HTTP/1.1 200 OK\r\nA: " + b"a" * 100_000 + b"\r\n\r\n", OK], [200], 1, 2),
    ],
)
def test_connection_is_kept_until_it_is_closed_or_lost(
    monkeypatch: pytest.MonkeyPatch, answers: list[bytes], statuses: list[int], lost: int, connections: int
) -> None:
    monkeypatch.setattr("lab.load.connections._PAUSE", 0.0)
    responses: list[LoadResponse] = []
    with answering(answers) as (origin, opened), closing(KeptConnections(origin, 1)) as client:
        request = client.request("GET", "/", accept="*/*")
        list(client.run(iter([request] * len(answers)), responses.append))
    assert [each.status for each in responses] == statuses
    assert (client.lost, len(opened)) == (lost, connections)
    assert {(each.media_type, each.body) for each in responses if each.media_type} <= {("text/plain", b"ok")}
    assert all(each.seconds > 0 for each in responses)


def test_silent_server_is_lost_after_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.load.connections.TIMEOUT", 0.01)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        closing(KeptConnections(f"http://127.0.0.1:{listener.getsockname()[1]}", 2)) as client,
    ):
        list(client.run(iter([b"GET / HTTP/1.1\r\n\r\n"] * 2), lambda _: None))
    assert client.lost == 2
