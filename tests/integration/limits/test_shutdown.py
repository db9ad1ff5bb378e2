"""A server that is told to end finishes what it accepted: a real process, a real signal, a slow disk."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from server_stub.store.sql import SqlStore
from tests.support.server_phone import Phone, facts, ueid
from tests.support.sockets import connect, to_the_end
from wire import media

ROOT = Path(__file__).parents[3]
EVIDENCE = {"Content-Type": media.EVIDENCE}
PHONES = 8
SECONDS = 0.15


@contextmanager
def slow_server(database: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.slow_server", str(database), str(SECONDS)],
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
    return requests.post(origin + media.VERDICTS_PATH, token, headers=EVIDENCE, timeout=30)


def evidence(origin: str, number: int) -> bytes:
    imei = f"0010101{number:07d}0"
    fresh = requests.post(origin + media.CHALLENGES_PATH, timeout=10).json()["nonce"]
    return Phone(boot=facts(imeis=(imei,))).evidence(fresh, ueid=ueid(imei))


def until_all_wait(origin: str) -> None:
    """Until every phone's request is with the judges."""
    for _ in range(400):
        page = requests.get(origin + "/metrics", timeout=5).text
        if f"activation_judging {PHONES}.0" in page:
            return
        time.sleep(0.01)
    raise AssertionError("the requests did not get as far as the judges")


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(signal.SIGTERM, id="SIGTERM"),
        pytest.param(signal.SIGINT, id="SIGINT", marks=pytest.mark.slow),
    ],
)
def test_every_request_that_was_accepted_gets_its_answer(tmp_path: Path, kind: signal.Signals) -> None:
    """Requests that wait for the judges too; new connections are refused; what was answered is recorded."""
    database = tmp_path / "records.sqlite"
    with (
        slow_server(database) as (origin, process),
        ThreadPoolExecutor(PHONES) as phones,
        ExitStack() as held,
    ):
        tokens = [evidence(origin, number) for number in range(PHONES)]
        idle = held.enter_context(connect(origin))
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(65536).startswith(b"HTTP/1.1 200")
        answers = [phones.submit(send, origin, token) for token in tokens]
        until_all_wait(origin)
        process.send_signal(kind)
        began = time.monotonic()
        while idle.recv(65536):
            pass
        assert time.monotonic() - began < SECONDS * PHONES
        with pytest.raises(requests.ConnectionError):
            requests.get(origin + "/healthz", timeout=5)
        assert any(not answer.done() for answer in answers)
        assert [answer.result().status_code for answer in answers] == [200] * PHONES
        assert process.wait(15) == 0
    store = SqlStore(database)
    assert store.count() == PHONES
    store.close()


@pytest.mark.slow
def test_a_body_that_is_on_its_way_may_arrive(tmp_path: Path) -> None:
    """Its request was accepted with the headers; the answer then ends the connection."""
    with slow_server(tmp_path / "records.sqlite") as (origin, process), connect(origin) as client:
        token = evidence(origin, 1)
        head = f"POST {media.VERDICTS_PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {media.EVIDENCE}\r\n"
        client.sendall(f"{head}Content-Length: {len(token)}\r\n\r\n".encode() + token[:100])
        time.sleep(0.2)
        process.terminate()
        time.sleep(0.3)
        client.sendall(token[100:])
        heard = to_the_end(client, time.monotonic())
        assert heard.status == 200
        assert process.wait(15) == 0
