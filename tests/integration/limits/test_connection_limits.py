"""Limits on connections over real sockets: slow, long, numerous or malformed input is cut off; others are served."""

import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest
import requests

from server_stub.api.limits.settings import ServerLimits
from server_stub.server import ServerThread
from tests.support.server_phone import service
from tests.support.sockets import RawResponse, connect, read_to_end, send_slowly
from wire import limits, media
from wire.codes import ProblemCode
from wire.problem import Problem

SECONDS = 0.4
LIMITS = ServerLimits(
    headers_seconds=SECONDS,
    body_seconds=SECONDS,
    idle_seconds=SECONDS,
    linger_seconds=SECONDS,
    write_seconds=SECONDS,
    connections_max=12,
)
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
POST = f"POST {media.VERDICTS_PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {media.EVIDENCE}\r\n".encode()


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with ServerThread(service(), limits=LIMITS) as server:
        yield server.origin


def check_problem(response: RawResponse, status: int, code: ProblemCode) -> None:
    assert response.headers["content-type"] == media.PROBLEM
    problem = Problem.model_validate_json(response.body)
    assert (response.status, problem.status, problem.code) == (status, status, code)
    assert problem.instance == f"urn:uuid:{response.headers['x-request-id']}"


def cuts(origin: str, why: str) -> float:
    page = requests.get(origin + "/metrics", timeout=60).text
    found = re.search(rf'activation_connections_cut_total{{why="{why}"}} (\S+)', page)
    return float(found[1]) if found else 0.0


def response_while_sending(client: socket.socket, data: bytes, pause: float) -> RawResponse:
    """The response to `data`, which is sent slowly; the server must end the connection before all of it is sent."""
    with ThreadPoolExecutor(1) as sender:
        sent = sender.submit(send_slowly, client, data, pause)
        response = read_to_end(client)
    assert sent.result() < len(data)
    return response


def test_a_connection_without_a_request_is_cut_off(origin: str) -> None:
    before, start = cuts(origin, "headers-too-slow"), time.monotonic()
    with connect(origin) as client:
        response = read_to_end(client)
    assert time.monotonic() - start > SECONDS * 0.9
    check_problem(response, 408, ProblemCode.REQUEST_TIMED_OUT)
    assert cuts(origin, "headers-too-slow") == before + 1


@pytest.mark.parametrize("before", [b"", GET], ids=["first request", "second request"])
def test_slow_headers_are_cut_off_although_bytes_arrive(origin: str, before: bytes) -> None:
    """The time counts from the first byte, not from the last one."""
    with connect(origin) as client:
        if before:
            client.sendall(before)
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        response = response_while_sending(client, GET * 20, SECONDS / 10)
    check_problem(response, 408, ProblemCode.REQUEST_TIMED_OUT)


def test_an_idle_kept_connection_is_closed_without_a_second_response(origin: str) -> None:
    start = time.monotonic()
    with connect(origin) as client:
        client.sendall(GET)
        response = read_to_end(client)
    assert time.monotonic() - start > SECONDS * 0.9
    assert response.status == 200
    assert response.body == b'{"status":"ok"}'


@pytest.mark.parametrize("framing", [b"Content-Length: 500", b"Transfer-Encoding: chunked"])
def test_a_slow_body_is_cut_off(origin: str, framing: bytes) -> None:
    with connect(origin) as client:
        client.sendall(POST + framing + b"\r\n\r\n")
        body = b"1\r\nA\r\n" * 200 if b"chunked" in framing else b"A" * 499
        response = response_while_sending(client, body, SECONDS / 20)
    check_problem(response, 408, ProblemCode.REQUEST_TIMED_OUT)


def test_a_body_whose_announced_length_is_too_large_is_rejected_before_it_is_sent(origin: str) -> None:
    with connect(origin) as client:
        client.sendall(POST + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % (limits.BODY_MAX + 1))
        first = client.recv(65536)
        assert first.startswith(b"HTTP/1.1 413")
        assert b'"code":"body-too-large"' in first or b"body-too-large" in client.recv(65536)


def test_the_longest_permitted_body_is_read(origin: str) -> None:
    """The evidence in it is then malformed."""
    headers = {"Content-Type": media.EVIDENCE}
    for length, status in ((limits.BODY_MAX, 400), (limits.BODY_MAX + 1, 413)):
        answer = requests.post(origin + media.VERDICTS_PATH, b"A" * length, headers=headers, timeout=60)
        assert answer.status_code == status


def test_a_client_that_continues_to_send_a_rejected_body_is_cut_off(origin: str) -> None:
    """The rest is read for a moment only, so that the response arrives."""
    before = cuts(origin, "refused-but-sending")
    with connect(origin) as client:
        client.sendall(POST + b"Content-Length: 100000000\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 413")
        assert send_slowly(client, b"A" * 1000, SECONDS / 20) < 1000
    assert cuts(origin, "refused-but-sending") == before + 1


def test_a_client_that_does_not_read_its_responses_is_cut_off(origin: str) -> None:
    """Responses that are not read fill the server's memory."""
    before = cuts(origin, "answer-not-taken")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        host, port = origin.removeprefix("http://").split(":")
        client.connect((host, int(port)))
        client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
        for _ in range(500):
            if cuts(origin, "answer-not-taken") != before:
                break
            time.sleep(0.1)
        assert cuts(origin, "answer-not-taken") == before + 1


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"A" * LIMITS.headers_max + b"\r\n\r\n",
            431,
            ProblemCode.HEADERS_TOO_LARGE,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Many: A\r\n" * (LIMITS.headers_max // 11) + b"\r\n",
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
def test_a_malformed_request_is_answered_with_a_problem_document(
    origin: str, request_bytes: bytes, status: int, code: ProblemCode
) -> None:
    with connect(origin) as client:
        client.sendall(request_bytes)
        response = read_to_end(client)
    check_problem(response, 400 if status == 501 else status, code)


def test_a_malformed_chunk_is_rejected_while_the_server_waits_for_the_body(origin: str) -> None:
    """The application sees a disconnect and does not send a second response."""
    with connect(origin) as client:
        client.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nAAAAA\r\n")
        time.sleep(0.1)
        client.sendall(b"rubbish\r\n")
        response = read_to_end(client)
    check_problem(response, 400, ProblemCode.REQUEST_MALFORMED)


def test_slow_clients_do_not_delay_the_requests_of_others() -> None:
    """Ten clients do not complete their bodies; the next client is served while all ten still wait."""
    with ServerThread(service(), limits=ServerLimits(body_seconds=600)) as server, ExitStack() as stack:
        slow = [stack.enter_context(connect(server.origin)) for _ in range(10)]
        for client in slow:
            client.sendall(POST + b"Content-Length: 5\r\n\r\nAA")
        assert requests.post(server.origin + media.CHALLENGES_PATH, timeout=60).ok
        for client in slow:
            client.settimeout(0)
            with pytest.raises(BlockingIOError):
                client.recv(1)


def test_a_connection_beyond_the_total_limit_is_refused_until_another_one_closes() -> None:
    with ServerThread(service(), limits=ServerLimits(connections_max=3)) as server:
        with ExitStack() as stack:
            for _ in range(3):
                client = stack.enter_context(connect(server.origin))
                client.sendall(GET)
                assert client.recv(65536).startswith(b"HTTP/1.1 200")
            with connect(server.origin) as fourth:
                response = read_to_end(fourth)
            check_problem(response, 503, ProblemCode.UNAVAILABLE)
            assert int(response.headers["retry-after"]) > 0
        statuses = (requests.get(server.origin + "/healthz", timeout=60).status_code for _ in range(500))
        assert 200 in statuses


def test_a_connection_beyond_the_limit_of_its_address_is_refused() -> None:
    """The server has room for other addresses; the limit does not apply to a trusted proxy."""
    for proxies, status in (((), 503), (("127.0.0.0/8",), 200)):
        bounds = ServerLimits(connections_max=10, connections_per_address=2, trusted_proxies=proxies)
        with ServerThread(service(), limits=bounds) as server, ExitStack() as stack:
            for _ in range(2):
                client = stack.enter_context(connect(server.origin))
                client.sendall(GET)
                assert client.recv(65536).startswith(b"HTTP/1.1 200")
            with connect(server.origin) as third:
                with suppress(OSError):  # the server may have closed the connection before
                    third.sendall(GET)
                    third.shutdown(socket.SHUT_WR)
                assert read_to_end(third).status == status
