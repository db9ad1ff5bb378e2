"""The HTTP adapter with misbehaving servers on real sockets: every error has its name, and waits are limited."""

import gzip
import socket
import threading
import time

import pytest

from agent.adapters.http import RequestsTransport, Timeouts
from agent.ports import Answer, TransportError, TransportFault
from tests.support.fault_proxy import Script, hangs, read_request, resets, says, serving
from wire import limits

QUICK = Timeouts(connect=0.5, read=0.3, total=0.8)
JSON = b"Content-Type: application/json\r\n"


def post(origin: str, timeouts: Timeouts = QUICK) -> Answer:
    transport = RequestsTransport(origin, timeouts)
    try:
        return transport.post(
            "/v1/challenges", b"{}", content_type="application/json", accept="application/json"
        )
    finally:
        transport.close()


def fault(script: Script) -> TransportFault:
    with serving(script) as origin, pytest.raises(TransportError) as caught:
        post(origin)
    return caught.value.fault


def cut_after(head: bytes) -> int:
    """How many of 60 bytes, one every 0.05 s after `head`, the server could send before the request timed out."""
    sent: list[int] = []

    def send_slowly(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(head)
        for number in range(60):
            time.sleep(0.05)
            connection.sendall(b"x")
            sent.append(number)

    assert fault(send_slowly) is TransportFault.TIMED_OUT
    return len(sent)


def test_a_normal_response_is_read() -> None:
    with serving(says(b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 2\r\n\r\n{}")) as origin:
        assert post(origin) == Answer(200, "application/json", b"{}")


def test_a_chunked_response_is_read() -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
    )
    with serving(says(chunked)) as origin:
        assert post(origin).body == b"{}"


BROKEN = {
    "nothing at all": says(b""),
    "not HTTP": says(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "half a status line": says(b"HTTP/1.1 2"),
    "a body shorter than announced": says(b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 50\r\n\r\n{}"),
    "chunks that break off": says(
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n40\r\n{"
    ),
    "chunk sizes that are not numbers": says(
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
    ),
    "a reset": resets,
    "a header without end": says(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000),
    "a thousand headers": says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"),
    "compression that was not requested": says(
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(10**6))
    ),
}


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN.keys())
def test_an_invalid_response_is_a_fault_of_the_port(script: Script) -> None:
    assert fault(script) in {TransportFault.BROKEN_ANSWER, TransportFault.UNREACHABLE}


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\n\r\n" + bytes(limits.BODY_MAX + 1)], ids=["silence", "flood"]
)
def test_a_request_that_fails_closes_its_connection(said: bytes) -> None:
    """The server sees the end before the transport is closed."""
    gone = threading.Event()

    def listens(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(said)
        connection.settimeout(60)
        if connection.recv(1) == b"":
            gone.set()

    with serving(listens) as origin:
        transport = RequestsTransport(origin, QUICK)
        with pytest.raises(TransportError) as caught:
            transport.get("/tuf/metadata/timestamp.json", accept="application/json")
        assert gone.wait(60), caught.value
        transport.close()


def test_an_endless_body_is_cut_at_the_limit() -> None:
    endless = says(b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\n", *[bytes(limits.BODY_MAX)] * 4)
    assert fault(endless) is TransportFault.TOO_LARGE


def test_a_silent_server_is_a_time_out() -> None:
    assert fault(hangs(1.0)) is TransportFault.TIMED_OUT


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 4000\r\n\r\n",
    ],
    ids=["until close", "with a length"],
)
def test_a_slow_body_is_cut_by_the_limit_of_the_whole_request(head: bytes) -> None:
    """Each byte arrives within the read time-out."""
    assert cut_after(head) < 60


def test_slow_headers_are_cut_by_the_limit_of_the_whole_request() -> None:
    assert cut_after(b"HTTP/1.1 200 OK\r\nX: ") < 60


def test_a_refused_connection_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TransportError) as caught:
        post(f"http://127.0.0.1:{port}")
    assert caught.value.fault is TransportFault.UNREACHABLE


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    """`.invalid` never resolves (RFC 6761)."""
    with pytest.raises(TransportError) as caught:
        post("http://verdict.invalid", Timeouts(2, 2, 2))
    assert caught.value.fault is TransportFault.UNREACHABLE


def test_a_redirect_is_not_followed() -> None:
    """The second host is not contacted."""
    asked: list[bytes] = []

    def elsewhere(connection: socket.socket) -> None:
        asked.append(read_request(connection))

    with serving(elsewhere) as other:
        location = (
            f"HTTP/1.1 302 Found\r\nLocation: {other}/v1/challenges\r\nContent-Length: 0\r\n\r\n".encode()
        )
        assert fault(says(location)) is TransportFault.REDIRECTED
    assert asked == []


def test_a_server_without_tls_is_tls_failed_if_tls_is_pinned() -> None:
    """An `https` origin never falls back to plain HTTP."""

    def plain(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with serving(plain) as origin, pytest.raises(TransportError) as caught:
        post(origin.replace("http://", "https://"))
    assert caught.value.fault is TransportFault.TLS_FAILED


def test_a_cookie_is_not_sent_back() -> None:
    """Only the attestation identifies a device."""
    heads: list[bytes] = []

    def sets_a_cookie(connection: socket.socket) -> None:
        heads.append(read_request(connection))
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nSet-Cookie: id=42\r\nConnection: close\r\n"
            + JSON
            + b"Content-Length: 2\r\n\r\n{}"
        )

    with serving(sets_a_cookie) as origin:
        transport = RequestsTransport(origin, QUICK)
        for _ in range(2):
            transport.post(
                "/v1/challenges", b"{}", content_type="application/json", accept="application/json"
            )
        transport.close()
    assert len(heads) == 2
    assert all(b"cookie" not in head.lower() for head in heads)
    assert all(b"user-agent: activation-agent\r\n" in head.lower() for head in heads)
