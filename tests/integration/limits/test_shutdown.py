"""A server that stops finishes the accepted requests: a real process, a real signal, a slow disk."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
import requests

from tests.support.server_phone import Phone, facts, ueid
from tests.support.sockets import connect, read_to_end
from tests.support.stores import open_store, schema_url
from wire import media

ROOT = Path(__file__).parents[3]
EVIDENCE = {"Content-Type": media.EVIDENCE}
DEVICES = 8
SECONDS = 0.15


@contextmanager
def slow_server(
    database: Path | str, seconds: float = SECONDS, grace: int = 20
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.slow_server", str(database), str(seconds), str(grace)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout
    with process:
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def send(origin: str, token: bytes) -> requests.Response:
    return requests.post(origin + media.VERDICTS_PATH, token, headers=EVIDENCE, timeout=60)


def evidence(origin: str, number: int) -> bytes:
    imei = f"0010101{number:07d}0"
    fresh = requests.post(origin + media.CHALLENGES_PATH, timeout=60).json()["nonce"]
    return Phone(boot=facts(imeis=(imei,))).evidence(fresh, ueid=ueid(imei))


def wait_until_all_are_judged(origin: str, count: int = DEVICES) -> None:
    """Wait until `count` requests are judged or wait for it."""
    for _ in range(3000):
        page = requests.get(origin + "/metrics", timeout=60).text
        if f"activation_judging {count}.0" in page:
            return
        time.sleep(0.01)
    raise AssertionError("the requests did not arrive")


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(signal.SIGTERM, id="SIGTERM"),
        pytest.param(signal.SIGINT, id="SIGINT", marks=pytest.mark.slow),
    ],
)
def test_every_accepted_request_is_answered_after_the_signal(tmp_path: Path, kind: signal.Signals) -> None:
    """New connections are refused, idle ones are closed before the last response, and all verdicts are recorded."""
    database = tmp_path / "records.sqlite"
    with (
        slow_server(database) as (origin, process),
        ThreadPoolExecutor(DEVICES) as devices,
        ExitStack() as stack,
    ):
        tokens = [evidence(origin, number) for number in range(DEVICES)]
        idle = stack.enter_context(connect(origin))
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(65536).startswith(b"HTTP/1.1 200")
        answers = [devices.submit(send, origin, token) for token in tokens]
        wait_until_all_are_judged(origin)
        process.send_signal(kind)
        while idle.recv(65536):
            pass
        with pytest.raises(requests.ConnectionError):
            requests.get(origin + "/healthz", timeout=60)
        assert any(not answer.done() for answer in answers)
        assert [
            (answer.result().status_code, answer.result().headers.get("Connection")) for answer in answers
        ] == [(200, "close")] * DEVICES
        assert process.wait(60) == 0
    store = open_store(database)
    assert store.count() == DEVICES
    store.close()


@pytest.mark.slow
def test_the_body_of_an_accepted_request_may_arrive_after_the_signal(tmp_path: Path) -> None:
    """The response then ends the connection."""
    with slow_server(tmp_path / "records.sqlite") as (origin, process), connect(origin) as client:
        token = evidence(origin, 1)
        head = f"POST {media.VERDICTS_PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {media.EVIDENCE}\r\n"
        client.sendall(f"{head}Content-Length: {len(token)}\r\n\r\n".encode() + token[:100])
        time.sleep(0.2)
        process.terminate()
        time.sleep(0.3)
        client.sendall(token[100:])
        response = read_to_end(client)
        assert (response.status, response.headers["connection"]) == (200, "close")
        assert process.wait(60) == 0


@pytest.mark.slow
def test_server_ends_while_its_database_does_not_respond(tmp_path: Path) -> None:
    with (
        slow_server(tmp_path / "records.sqlite", seconds=3600, grace=1) as (origin, process),
        ThreadPoolExecutor(2) as devices,
    ):
        waiting = [devices.submit(send, origin, evidence(origin, number)) for number in range(2)]
        wait_until_all_are_judged(origin, 2)
        process.terminate()
        assert process.wait(60) == 0
        assert [answer.result().status_code for answer in waiting] == [500, 500]


@pytest.mark.slow
def test_server_ends_while_another_process_locks_a_table_of_its_database() -> None:
    with schema_url() as url, psycopg.connect(url) as other, ThreadPoolExecutor(1) as devices:
        place = f"{url}%20-clock_timeout%3D3600000"
        open_store(place).close()
        with slow_server(place, seconds=0, grace=1) as (origin, process):
            token = evidence(origin, 1)
            other.execute("LOCK TABLE spent_nonces IN ACCESS EXCLUSIVE MODE")
            waiting = devices.submit(send, origin, token)
            wait_until_all_are_judged(origin, 1)
            process.terminate()
            assert process.wait(60) == 0
            assert waiting.result().status_code == 500
