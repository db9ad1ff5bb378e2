"""Clients that are slow, long, many or rude, over real sockets: each is cut off, and everybody else is served."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from threading import Thread

import pytest
import requests

from server_stub.api.limits.settings import ServerLimits
from server_stub.server import ServerThread
from tests.support.server_phone import service
from tests.support.sockets import Heard, connect, to_the_end, trickle
from wire import limits, media
from wire.codes import ProblemCode
from wire.problem import Problem

PATIENCE = 0.4
MANNERS = ServerLimits(
    headers_seconds=PATIENCE,
    body_seconds=PATIENCE,
    idle_seconds=PATIENCE,
    linger_seconds=PATIENCE,
    write_seconds=PATIENCE,
    connections_max=12,
)
LATE = PATIENCE + 1.5
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
POST = f"POST {media.VERDICTS_PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {media.EVIDENCE}\r\n".encode()


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with ServerThread(service(), manners=MANNERS) as server:
        yield server.origin


def refused(heard: Heard, status: int, code: ProblemCode) -> None:
    assert heard.headers["content-type"] == media.PROBLEM
    problem = Problem.model_validate_json(heard.body)
    assert (heard.status, problem.status, problem.code) == (status, status, code)
    assert problem.instance == f"urn:uuid:{heard.headers['x-request-id']}"


def cuts(origin: str, why: str) -> float:
    page = requests.get(origin + "/metrics", timeout=5).text
    found = re.search(rf'activation_connections_cut_total{{why="{why}"}} (\S+)', page)
    return float(found[1]) if found else 0.0


def test_a_client_that_says_nothing_is_cut_off(origin: str) -> None:
    """An open connection costs memory, and nobody has promised to use it."""
    before = cuts(origin, "headers-too-slow")
    with connect(origin) as client:
        heard = to_the_end(client, time.monotonic())
    refused(heard, 408, ProblemCode.REQUEST_TIMED_OUT)
    assert PATIENCE * 0.9 < heard.seconds < LATE
    assert cuts(origin, "headers-too-slow") == before + 1


@pytest.mark.parametrize("before", [b"", GET], ids=["first request", "second request"])
def test_headers_that_trickle_do_not_buy_time(origin: str, before: bytes) -> None:
    """The time counts from the first octet on, not from the last; a connection that once behaved is no exception."""
    with connect(origin) as client:
        if before:
            client.sendall(before)
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        sender = Thread(target=trickle, args=(client, GET * 20, PATIENCE / 10))
        sender.start()
        heard = to_the_end(client, began)
        sender.join()
    refused(heard, 408, ProblemCode.REQUEST_TIMED_OUT)
    assert heard.seconds < LATE


def test_a_kept_connection_may_be_idle_for_a_while_only(origin: str) -> None:
    """It ends without a word: no request is under way that an answer could be to."""
    with connect(origin) as client:
        client.sendall(GET)
        began = time.monotonic()
        heard = to_the_end(client, began)
    assert heard.status == 200
    assert heard.body == b'{"status":"ok"}'
    assert PATIENCE * 0.9 < heard.seconds < LATE


@pytest.mark.parametrize("framing", [b"Content-Length: 500", b"Transfer-Encoding: chunked"])
def test_a_body_that_trickles_is_cut_off(origin: str, framing: bytes) -> None:
    """Before anything of it is judged."""
    with connect(origin) as client:
        client.sendall(POST + framing + b"\r\n\r\n")
        began = time.monotonic()
        octets = b"1\r\nA\r\n" * 200 if b"chunked" in framing else b"A" * 499
        sender = Thread(target=trickle, args=(client, octets, PATIENCE / 20))
        sender.start()
        heard = to_the_end(client, began)
        sender.join()
    refused(heard, 408, ProblemCode.REQUEST_TIMED_OUT)
    assert heard.seconds < 2 * LATE


def test_a_body_that_is_announced_too_long_is_refused_before_it_is_sent(origin: str) -> None:
    """By its length header, as soon as that is read."""
    with connect(origin) as client:
        began = time.monotonic()
        client.sendall(POST + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % (limits.BODY_MAX + 1))
        first = client.recv(65536)
        assert first.startswith(b"HTTP/1.1 413")
        assert time.monotonic() - began < PATIENCE
        assert b'"code":"body-too-large"' in first or b"body-too-large" in client.recv(65536)


def test_the_longest_body_that_is_allowed_is_looked_at(origin: str) -> None:
    """The bound is the contract's, to the octet; what is too long for evidence is then evidence-malformed."""
    headers = {"Content-Type": media.EVIDENCE}
    for length, status in ((limits.BODY_MAX, 400), (limits.BODY_MAX + 1, 413)):
        answer = requests.post(origin + media.VERDICTS_PATH, b"A" * length, headers=headers, timeout=5)
        assert answer.status_code == status


def test_whoever_goes_on_sending_what_was_refused_is_cut_off(origin: str) -> None:
    """The answer was given; the rest is read and thrown away for a moment only, so that the answer arrives."""
    before = cuts(origin, "refused-but-sending")
    with connect(origin) as client:
        client.sendall(POST + b"Content-Length: 100000000\r\n\r\n")
        answered = client.recv(65536)
        assert answered.startswith(b"HTTP/1.1 413")
        client.settimeout(LATE)
        began = time.monotonic()
        trickle(client, b"A" * 1000, PATIENCE / 20)
    assert time.monotonic() - began < LATE
    assert cuts(origin, "refused-but-sending") == before + 1


def test_whoever_does_not_take_the_answer_is_cut_off(origin: str) -> None:
    """Answers that nobody reads fill the server's memory."""
    before = cuts(origin, "answer-not-taken")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        host, port = origin.removeprefix("http://").split(":")
        client.connect((host, int(port)))
        client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
        began = time.monotonic()
        while cuts(origin, "answer-not-taken") == before:
            assert time.monotonic() - began < 8
            time.sleep(0.1)


@pytest.mark.parametrize(
    ("octets", "status", "code"),
    [
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"A" * MANNERS.headers_max + b"\r\n\r\n",
            431,
            ProblemCode.HEADERS_TOO_LARGE,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Many: A\r\n" * (MANNERS.headers_max // 11) + b"\r\n",
            431,
            ProblemCode.HEADERS_TOO_LARGE,
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, ProblemCode.REQUEST_MALFORMED),
        (b"GET / HTTP/1.1\r\n\r\n", 400, ProblemCode.REQUEST_MALFORMED),
        (b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", 400, ProblemCode.REQUEST_MALFORMED),
        (POST + b"Content-Length: -1\r\n\r\n", 400, ProblemCode.REQUEST_MALFORMED),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501, ProblemCode.REQUEST_MALFORMED),
        (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, ProblemCode.REQUEST_MALFORMED),
    ],
    ids=["one long header", "many headers", "TLS", "no host", "a zero", "minus one", "gzip", "two lengths"],
)
def test_what_is_no_request_is_answered_with_a_problem_too(
    origin: str, octets: bytes, status: int, code: ProblemCode
) -> None:
    """A client reads one form of error, and a person finds its number."""
    with connect(origin) as client:
        client.sendall(octets)
        heard = to_the_end(client, time.monotonic())
    refused(heard, 400 if status == 501 else status, code)


def test_a_chunk_that_is_none_is_refused_while_the_body_is_awaited(origin: str) -> None:
    """The application is told that the client has gone; it does not answer a second time."""
    with connect(origin) as client:
        client.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nAAAAA\r\n")
        time.sleep(0.1)
        client.sendall(b"rubbish\r\n")
        heard = to_the_end(client, time.monotonic())
    refused(heard, 400, ProblemCode.REQUEST_MALFORMED)


def test_slow_clients_do_not_keep_others_from_being_served(origin: str) -> None:
    """Ten of them hang on their bodies; the next one is answered at once."""
    with ExitStack() as held:
        for _ in range(10):
            client = held.enter_context(connect(origin))
            client.sendall(POST + b"Content-Length: 5\r\n\r\nAA")
        began = time.monotonic()
        assert requests.post(origin + media.CHALLENGES_PATH, timeout=5).ok
        assert time.monotonic() - began < PATIENCE


def test_connections_are_bounded_and_come_free_again() -> None:
    """One too many is told so and when to come back; nobody's place is lost for ever."""
    with ServerThread(service(), manners=ServerLimits(connections_max=3)) as server:
        with ExitStack() as held:
            for _ in range(3):
                client = held.enter_context(connect(server.origin))
                client.sendall(GET)
                assert client.recv(65536).startswith(b"HTTP/1.1 200")
            with connect(server.origin) as fourth:
                heard = to_the_end(fourth, time.monotonic())
            refused(heard, 503, ProblemCode.UNAVAILABLE)
            assert int(heard.headers["retry-after"]) > 0
        deadline = time.monotonic() + 5
        while requests.get(server.origin + "/healthz", timeout=5).status_code != 200:
            assert time.monotonic() < deadline


def test_one_address_cannot_take_all_connections() -> None:
    """The bound for an address is reached while the server has room for others; a proxy connects for many."""
    for proxies, status in (((), 503), (("127.0.0.0/8",), 200)):
        manners = ServerLimits(connections_max=10, connections_per_address=2, trusted_proxies=proxies)
        with ServerThread(service(), manners=manners) as server, ExitStack() as held:
            for _ in range(2):
                held.enter_context(connect(server.origin)).sendall(GET)
            time.sleep(0.1)
            with connect(server.origin) as third:
                with suppress(OSError):  # a server that refuses may have hung up before
                    third.sendall(GET)
                    third.shutdown(socket.SHUT_WR)
                assert to_the_end(third, time.monotonic()).status == status
