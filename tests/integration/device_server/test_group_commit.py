"""Many verdicts of a real server wait for one durable commit, and are answered after it."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from server_stub.server import ServerThread
from server_stub.store import alembic_migrations, sql
from server_stub.store.sql import SqlStore
from tests.support.server_phone import Phone, facts, service
from wire import media

CLIENTS = 16
HEADERS = {"content-type": media.EVIDENCE, "accept": media.VERDICT}


class Served:
    """A server on an SQLite file, with many clients."""

    def __init__(self, place: Path) -> None:
        self.store = SqlStore(place, alembic_migrations)
        self.service = service(self.store)
        self.thread = ServerThread(self.service)
        self.clients = ThreadPoolExecutor(CLIENTS)

    def evidence(self) -> list[bytes]:
        phones = [Phone(boot=facts(imeis=(f"{number % 12:015}",))) for number in range(CLIENTS)]
        return [phone.evidence(self.service.challenge().nonce) for phone in phones]

    def send(self, tokens: list[bytes]) -> list[Future[int]]:
        """The statuses of requests that are sent at the same time."""
        return [self.clients.submit(self._status, token) for token in tokens]

    def _status(self, token: bytes) -> int:
        url = self.thread.origin + media.VERDICTS_PATH
        return requests.post(url, token, headers=HEADERS, timeout=60).status_code

    def metric(self, name: str) -> float:
        page = requests.get(f"{self.thread.origin}/metrics", timeout=60).text
        return next(float(line.split()[1]) for line in page.splitlines() if line.startswith(f"{name} "))


@contextmanager
def served(folder: Path) -> Iterator[tuple[Served, sqlite3.Connection]]:
    """A server, and another program's connection to its database."""
    server = Served(folder / "records.sqlite")
    with (
        closing(server.store),
        server.thread,
        server.clients,
        closing(sqlite3.connect(folder / "records.sqlite", isolation_level=None)) as other,
    ):
        yield server, other


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.005)


def statuses(answers: list[Future[int]]) -> list[int]:
    return [answer.result(60) for answer in answers]


def test_verdicts_that_wait_are_answered_after_one_commit(tmp_path: Path) -> None:
    with served(tmp_path) as (server, other):
        other.execute("BEGIN IMMEDIATE")
        answers = server.send(server.evidence())
        until(lambda: server.metric("activation_judging") == CLIENTS)
        assert not any(answer.done() for answer in answers)
        other.rollback()
        assert statuses(answers) == [200] * CLIENTS
        assert server.metric("activation_group_verdicts_sum") == CLIENTS
        assert server.metric("activation_group_verdicts_count") <= 2, "some began before the others came"
        assert server.store.count() == CLIENTS
        assert server.metric("activation_judging") == 0


def test_group_of_a_locked_database_fails_and_gets_verdicts_by_the_same_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as (server, other):
        tokens = server.evidence()
        monkeypatch.setattr(sql, "_BUSY_SECONDS", 0)
        server.store.close()  # idle connections
        other.execute("BEGIN IMMEDIATE")
        assert statuses(server.send(tokens)) == [503] * CLIENTS
        other.rollback()
        assert server.store.count() == 0
        assert statuses(server.send(tokens)) == [200] * CLIENTS
        assert statuses(server.send(tokens[:2])) == [409] * 2
