"""Two server processes on one PostgreSQL, many clients, and one process that is killed in the middle."""

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import jwt
import requests

from server_stub.store.records import DeviceQuery
from tests.support.server_phone import Phone, facts, telephony, ueid
from tests.support.stores import open_store, schema_url
from wire import media

ROOT: Final = Path(__file__).parents[3]
CLIENTS: Final = 16
PHONES: Final = ("490154203237518", "490154203237526", "490154203237534", "490154203237542")
"""Four clients share a phone, so that serials of one phone are requested on both servers at the same time."""

BEFORE_THE_KILL: Final = 40
AFTER_THE_KILL: Final = 40


@contextmanager
def servers(database: str, count: int) -> Iterator[list[tuple[str, subprocess.Popen[str]]]]:
    """Processes that start at the same moment on an empty database."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.server_process", database],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for _ in range(count)
    ]
    try:
        yield [(str(each.stdout and each.stdout.readline()).strip(), each) for each in processes]
    finally:
        for each in processes:
            each.kill()
            each.communicate()


class Crowd:
    """Clients that ask in turns, each at the server that it was given, and at the other once that one is gone."""

    def __init__(self, origins: list[str]) -> None:
        self._origins = origins
        self.seen: list[dict[str, Any]] = []
        self.tokens: list[bytes] = []
        self.errors: list[str] = []
        self.killed = threading.Event()
        self.done = threading.Event()

    def client(self, number: int) -> None:
        imei = PHONES[number % len(PHONES)]
        phone = Phone(boot=facts(imeis=(imei,)))
        origins = itertools.cycle(self._origins if number < CLIENTS // 2 else self._origins[::-1])
        origin = next(origins)
        with requests.Session() as session:
            while not self.done.is_set():
                try:
                    self._ask(session, origin, phone, imei)
                except requests.RequestException as error:
                    if not self.killed.is_set():
                        self.errors.append(repr(error))
                        return
                    origin = next(origins)

    def _ask(self, session: requests.Session, origin: str, phone: Phone, imei: str) -> None:
        nonce = session.post(origin + media.CHALLENGES_PATH, timeout=60).json()["nonce"]
        token = phone.evidence(nonce, ueid=ueid(imei), telephony=telephony("208"))
        answer = session.post(
            origin + media.VERDICTS_PATH, token, headers={"Content-Type": media.EVIDENCE}, timeout=60
        )
        if answer.status_code != 200:
            self.errors.append(answer.text)
            return
        self.tokens.append(token)
        self.seen.append(jwt.decode(answer.text, options={"verify_signature": False}))


def test_killing_one_of_two_servers_loses_no_verdict_and_repeats_no_serial() -> None:
    """Every verdict that one of 16 clients received is recorded once, under its own serial."""
    with schema_url() as url, servers(url, 2) as [(doomed, process), (other, _)]:
        crowd = Crowd([doomed, other])
        clients = [threading.Thread(target=crowd.client, args=(number,)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        wait_for(crowd, BEFORE_THE_KILL)
        crowd.killed.set()
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_for(crowd, len(crowd.seen) + AFTER_THE_KILL)
        crowd.done.set()
        for client in clients:
            client.join()
        assert not crowd.errors, crowd.errors[:3]
        holds_all_that_was_seen(url, crowd)
        replays_are_refused(other, crowd.tokens[:5] + crowd.tokens[-5:])


def wait_for(crowd: Crowd, count: int) -> None:
    while len(crowd.seen) < count:
        assert not crowd.errors, crowd.errors[:3]
        crowd.done.wait(0.01)


def holds_all_that_was_seen(url: str, crowd: Crowd) -> None:
    seen = {(each["sub"], each["serial"]): each["jti"] for each in crowd.seen}
    assert len(seen) == len(crowd.seen), "a serial was given twice"
    store = open_store(url)
    with store.reading() as reading:
        devices = reading.devices(DeviceQuery()).items
        assert len(devices) == len(PHONES)
        recorded: dict[tuple[str, int], str] = {}
        for device in devices:
            history = reading.history(device.sub, limit=1000).items
            assert device.last_serial == history[0].verdict.serial == len(history)
            recorded |= {(each.verdict.sub, each.verdict.serial): each.verdict.jti for each in history}
    store.close()
    assert seen.items() <= recorded.items(), "an acknowledged verdict was lost"
    assert len(recorded) <= len(seen) + CLIENTS, "more was recorded than was on its way at the kill"


def replays_are_refused(origin: str, tokens: list[bytes]) -> None:
    """A nonce that was spent at the killed server is spent at the other."""
    for token in tokens:
        answer = requests.post(
            origin + media.VERDICTS_PATH, token, headers={"Content-Type": media.EVIDENCE}, timeout=60
        )
        assert answer.status_code == 409, answer.text
