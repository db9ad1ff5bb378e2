"""The HTTP adapter against real sockets that misbehave: every way has its name, and none takes for ever."""

import gzip
import socket
import threading
import time

import pytest

from agent.adapters.http import RequestsTransport, Timeouts
from agent.ports import Answer, TransportError, TransportFault
from tests.support.fault_proxy import Script, drips, hangs, read_request, resets, says, serving
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


def test_a_plain_answer_is_read_whole() -> None:
    """The misbehaviour below is measured against this."""
    with serving(says(b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 2\r\n\r\n{}")) as origin:
        assert post(origin) == Answer(200, "application/json", b"{}")


def test_a_chunked_answer_is_put_together() -> None:
    """HTTP/1.1 servers may send chunks."""
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
    "chunk sizes that are no numbers": says(
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
    ),
    "a reset": resets,
    "a header without end": says(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000),
    "a thousand headers": says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"),
    "compression that nobody asked for": says(
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(10**6))
    ),
}


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN.keys())
def test_an_answer_that_is_none_is_a_named_fault(script: Script) -> None:
    """A broken server, proxy or attacker must look like one of the port's faults and like nothing else."""
    assert fault(script) in {TransportFault.BROKEN_ANSWER, TransportFault.UNREACHABLE}


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\n\r\n" + bytes(limits.BODY_MAX + 1)], ids=["silence", "flood"]
)
def test_a_phone_that_gives_up_hangs_up(said: bytes) -> None:
    """A server that nobody listens to any more learns it at once, while the phone still looks at the error."""
    gone = threading.Event()

    def listens(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(said)
        connection.settimeout(5)
        if connection.recv(1) == b"":
            gone.set()

    with serving(listens) as origin:
        transport = RequestsTransport(origin, QUICK)
        with pytest.raises(TransportError) as caught:
            transport.get("/tuf/metadata/timestamp.json", accept="application/json")
        assert gone.wait(3), caught.value
        transport.close()


def test_an_endless_body_is_cut_at_the_limit() -> None:
    """No server can fill the phone's memory."""
    endless = says(b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\n", *[bytes(limits.BODY_MAX)] * 4)
    assert fault(endless) is TransportFault.TOO_LARGE


def test_silence_ends_by_time_out() -> None:
    """The read time-out bounds a server that accepts and says nothing."""
    assert fault(hangs(1.0)) is TransportFault.TIMED_OUT


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 4000\r\n\r\n",
    ],
    ids=["until close", "with a length"],
)
def test_a_drip_slower_than_the_whole_may_take_is_cut(head: bytes) -> None:
    """Each octet comes within the read time-out, so only the bound on the whole request ends it."""
    began = time.monotonic()
    assert fault(drips(head, 60, 0.05)) is TransportFault.TIMED_OUT
    assert time.monotonic() - began < 2.5


def test_a_drip_in_the_headers_is_cut_too() -> None:
    """The bound on the whole request holds before the first octet of the body as well."""
    began = time.monotonic()
    assert fault(drips(b"HTTP/1.1 200 OK\r\nX: ", 60, 0.05)) is TransportFault.TIMED_OUT
    assert time.monotonic() - began < 2.5


def test_nobody_listening_is_unreachable() -> None:
    """A refused connection is told apart from a bad answer."""
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


def test_a_redirect_leads_nowhere() -> None:
    """The second host is never contacted."""
    asked: list[bytes] = []

    def elsewhere(connection: socket.socket) -> None:
        asked.append(read_request(connection))

    with serving(elsewhere) as other:
        location = (
            f"HTTP/1.1 302 Found\r\nLocation: {other}/v1/challenges\r\nContent-Length: 0\r\n\r\n".encode()
        )
        assert fault(says(location)) is TransportFault.REDIRECTED
    assert asked == []


def test_a_server_without_tls_fails_by_name_when_tls_is_pinned() -> None:
    """An origin of `https` never falls back to plain HTTP."""

    def plain(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with serving(plain) as origin, pytest.raises(TransportError) as caught:
        post(origin.replace("http://", "https://"))
    assert caught.value.fault is TransportFault.TLS_FAILED


def test_a_cookie_is_not_kept() -> None:
    """Phones are told apart by their attestation and by nothing that a server leaves on them."""
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
