"""A server that is killed without warning between any two requests."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import jwt
import pytest
import requests

from tests.support.server_phone import Phone, telephony
from tests.support.stores import open_store
from wire import media

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
EVIDENCE = {"Content-Type": media.EVIDENCE}


@contextmanager
def server(database: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server process and its origin; killed at the end, if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.server_process", str(database)],
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
            process.send_signal(signal.SIGKILL)


def nonce(origin: str) -> str:
    return str(requests.post(origin + media.CHALLENGES_PATH, timeout=60).json()["nonce"])


def send(origin: str, token: bytes) -> requests.Response:
    return requests.post(origin + media.VERDICTS_PATH, token, headers=EVIDENCE, timeout=60)


def test_every_answered_request_is_recorded(tmp_path: Path) -> None:
    """Serials continue, spent nonces stay spent, earlier nonces are still valid."""
    database = tmp_path / "server.db"
    spent: list[bytes] = []
    serials: list[int] = []
    waiting: str | None = None
    for _ in range(3):
        with server(database) as (origin, process):
            for old in spent:
                assert send(origin, old).status_code == 409
            token = Phone().evidence(waiting or nonce(origin), telephony=telephony("208"))
            answer = send(origin, token)
            assert answer.status_code == 200
            serials.append(jwt.decode(answer.text, options={"verify_signature": False})["serial"])
            spent.append(token)
            waiting = nonce(origin)
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert serials == [1, 2, 3]
    store = open_store(database)
    assert store.count() == 3
    store.close()


def test_a_kill_during_requests_loses_no_verdict_that_was_received(tmp_path: Path) -> None:
    """The file opens again."""
    database = tmp_path / "server.db"
    seen: list[int] = []
    killed = Event()

    def hammer(origin: str) -> None:
        try:
            while True:
                answer = send(origin, Phone().evidence(nonce(origin), telephony=telephony("208")))
                seen.append(jwt.decode(answer.text, options={"verify_signature": False})["serial"])
        except requests.RequestException:
            if not killed.is_set():  # a running server responds in time and completely
                raise

    with server(database) as (origin, process):
        phones = [Thread(target=hammer, args=(origin,)) for _ in range(2)]
        for phone in phones:
            phone.start()
        while len(seen) < 20:
            assert process.poll() is None
            time.sleep(0.01)
        killed.set()
        process.send_signal(signal.SIGKILL)
        for phone in phones:
            phone.join()
    store = open_store(database)
    recorded = store.count()
    store.close()
    assert len(set(seen)) == len(seen)
    assert max(seen) <= recorded
    assert len(seen) <= recorded <= len(seen) + len(phones)


def test_sigterm_finishes_the_running_requests(tmp_path: Path) -> None:
    with server(tmp_path / "server.db") as (origin, process):
        assert requests.get(origin + "/healthz", timeout=60).ok
        process.terminate()
        assert process.wait(15) in (0, -signal.SIGTERM)
