"""Servers of several processes: a rotation and a SIGKILL in the middle, 16 clients, and a TUF client."""

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
import requests

from agent.adapters.http import RequestsTransport
from agent.adapters.tuf_errors import TufFault
from agent.adapters.tuf_keys import TufKeys
from agent.ports import Answer, KeySourceError
from agent.verification.bounds import TimestampBounds
from lab.manufacturer.manufacturer import Manufacturer
from server_stub.store.records import DeviceQuery
from tests.support.server_phone import Phone, facts, telephony, ueid
from tests.support.stores import open_store, schema_url
from wire import media

pytestmark = pytest.mark.slow

ACTIVATION: Final = str(Path(sys.executable).with_name("activation"))
MANUFACTURER: Final = Manufacturer("2021")
CLIENTS: Final = 16
PHONES: Final = tuple(f"4901542032375{number}" for number in ("18", "26", "34", "42", "59", "67"))
"""Several clients share a phone, so that serials of one phone are requested of all processes at the same time."""

STEP: Final = 60
"""Verdicts between two events."""


@dataclass
class Server:
    """A running `activation serve`, whose address stays."""

    process: subprocess.Popen[str]
    origin: str

    def workers(self) -> list[int]:
        """The process ids of its workers."""
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def start(database: str, folder: Path, *options: str, port: str = "0") -> Server:
    """A server with its files in `folder`, without rates."""
    folder.mkdir(exist_ok=True)
    token = folder / "token"
    token.write_text(MANUFACTURER.admin_token)
    token.chmod(0o600)
    rates = [f"--rate-{name}=off" for name in ("per-address", "per-device", "unattested", "admin")]
    command = [ACTIVATION, "serve", "--db", database, "--keys", str(folder / "keys"), "--port", port]
    with (folder / f"log-{time.monotonic_ns()}").open("w") as log:
        process = subprocess.Popen(
            [*command, "--admin-token-file", str(token), *rates, *options],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    line = process.stdout.readline() if process.stdout else ""
    found = re.search(r"http://[^\s,]+", line)
    assert found, "\n".join(each.read_text()[-2000:] for each in folder.glob("log-*"))
    return Server(process, found[0])


@contextmanager
def killed_at_end(servers: list[Server]) -> Iterator[None]:
    """Kill every process at the end, workers first."""
    try:
        yield
    finally:
        for server in servers:
            if server.process.poll() is None:
                for pid in server.workers():
                    os.kill(pid, signal.SIGKILL)
            server.process.kill()
            server.process.communicate()


@dataclass
class Crowd:
    """Clients that ask servers at random until `done`. Requests may fail only once a process was killed."""

    origins: list[str]
    seen: list[dict[str, Any]] = field(default_factory=list)
    """Claims of each verdict that was received, with the `kid` that signed and `asked`, when it was requested."""
    tokens: list[bytes] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    refreshes: int = 0
    killed: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)

    def client(self, number: int) -> None:
        """One device, whose requests go to any server."""
        imei, choice = PHONES[number % len(PHONES)], random.Random(number)
        phone = Phone(boot=facts(imeis=(imei,)), manufacturer=MANUFACTURER)
        with requests.Session() as session:
            while not self.done.is_set():
                try:
                    self._ask(session, choice, phone, imei)
                except requests.RequestException as error:
                    if not self.killed.is_set():
                        self.errors.append(repr(error))
                        return

    def _ask(self, session: requests.Session, choice: random.Random, phone: Phone, imei: str) -> None:
        """A challenge of one server, the evidence at any."""
        nonce = session.post(choice.choice(self.origins) + media.CHALLENGES_PATH, timeout=60).json()["nonce"]
        token, asked = phone.evidence(nonce, ueid=ueid(imei), telephony=telephony("208")), time.monotonic()
        answer = send(session, choice.choice(self.origins), token)
        if answer.status_code != 200:
            self.errors.append(answer.text)
            return
        claims = jwt.decode(answer.text, options={"verify_signature": False})
        self.tokens.append(token)
        self.seen.append({**claims, "kid": jwt.get_unverified_header(answer.text)["kid"], "asked": asked})

    def follow_keys(self, folder: Path) -> None:
        """A TUF client that asks another host for each file; a rollback, or any other fault, is an error."""
        transports = [RequestsTransport(origin) for origin in self.origins]
        choice = random.Random(0)

        class AnyHost:
            def get(self, path: str, *, accept: str) -> Answer:
                return choice.choice(transports).get(path, accept=accept)

        keys, known = TufKeys(MANUFACTURER.ceremony.pinned_root, folder, AnyHost()), TimestampBounds()
        while not self.done.is_set():
            try:
                known = keys.keys(known).bounds
                self.refreshes += 1
            except KeySourceError as error:
                if error.code != TufFault.UNREACHABLE or not self.killed.is_set():
                    self.errors.append(repr(error))

    @contextmanager
    def asking(self, folder: Path) -> Iterator[None]:
        """All clients ask while the block runs."""
        threads = [threading.Thread(target=self.client, args=(number,)) for number in range(CLIENTS)]
        threads.append(threading.Thread(target=self.follow_keys, args=(folder,)))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.done.set()
            for thread in threads:
                thread.join()

    def wait(self) -> None:
        """Until more verdicts were received, and the keys were read again."""
        verdicts, refreshes = len(self.seen) + STEP, self.refreshes + 2
        while len(self.seen) < verdicts or self.refreshes < refreshes:
            assert not self.errors, self.errors[:3]
            self.done.wait(0.01)


def send(session: requests.Session, origin: str, token: bytes) -> requests.Response:
    headers = {"Content-Type": media.EVIDENCE}
    return session.post(origin + media.VERDICTS_PATH, token, headers=headers, timeout=60)


def rotate_and_revoke(crowd: Crowd) -> tuple[str, float]:
    """Rotate the key that signs at one server, revoke it at another; return it and when that was acknowledged."""
    first, last = crowd.origins[0] + "/admin/v1/keys", crowd.origins[-1] + "/admin/v1/keys"
    headers = {"Authorization": f"Bearer {MANUFACTURER.admin_token}"}
    items = requests.get(first, headers=headers, timeout=60).json()["items"]
    [old] = [each["kid"] for each in items if each["signs"]]
    change(f"{first}/{old}/rotate", headers)
    crowd.wait()
    change(f"{last}/{old}/revoke", headers)
    return old, time.monotonic()


def change(url: str, headers: dict[str, str]) -> None:
    headers = headers | {"Idempotency-Key": url.rpartition("/")[2]}
    answer = requests.post(url, json={"reason": "test"}, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text


def holds_all_that_was_seen(database: str, crowd: Crowd) -> None:
    """Every verdict that was received is recorded; every serial was given once, and none is missing."""
    seen = {(each["sub"], each["serial"]): each["jti"] for each in crowd.seen}
    assert len(seen) == len(crowd.seen), "a serial was given twice"
    store = open_store(database)
    recorded: dict[tuple[str, int], str] = {}
    with store.reading() as reading:
        devices = reading.devices(DeviceQuery()).items
        assert len(devices) == len(PHONES)
        for device in devices:
            history = reading.history(device.sub, limit=1000).items
            assert device.last_serial == history[0].verdict.serial == len(history)
            recorded |= {(each.verdict.sub, each.verdict.serial): each.verdict.jti for each in history}
    store.close()
    assert seen.items() <= recorded.items(), "an acknowledged verdict was lost"
    assert len(recorded) <= len(seen) + CLIENTS, "more was recorded than was on its way at the kill"


def check(database: str, crowd: Crowd, origin: str, revoked: str, acknowledged: float) -> None:
    """What must hold at the end; `origin` still serves."""
    assert not crowd.errors, crowd.errors[:3]
    late = [each for each in crowd.seen if each["asked"] > acknowledged]
    assert late
    assert revoked not in {each["kid"] for each in late}
    with requests.Session() as session:
        for token in crowd.tokens[:5] + crowd.tokens[-5:]:
            assert send(session, origin, token).status_code == 409, "a nonce was spent twice"
    holds_all_that_was_seen(database, crowd)


def test_three_processes_on_one_postgresql_lose_nothing_when_one_of_each_server_is_killed(
    tmp_path: Path,
) -> None:
    """Two workers and another server; a worker is killed and replaced, then the other server is killed."""
    servers: list[Server] = []
    with schema_url() as url, killed_at_end(servers):
        servers += [start(url, tmp_path / "a", "--workers", "2"), start(url, tmp_path / "b")]
        crowd = Crowd([server.origin for server in servers])
        with crowd.asking(tmp_path / "device"):
            crowd.wait()
            revoked = rotate_and_revoke(crowd)
            crowd.wait()
            crowd.killed.set()
            os.kill(servers[0].workers()[0], signal.SIGKILL)
            crowd.wait()
            servers[1].process.kill()
            del crowd.origins[1]
            crowd.wait()
        check(url, crowd, servers[0].origin, *revoked)
        assert len(servers[0].workers()) == 2, "the killed worker was not replaced"


def test_one_server_on_sqlite_loses_nothing_when_it_is_killed_and_started_again(tmp_path: Path) -> None:
    servers: list[Server] = []
    database = str(tmp_path / "server.db")
    with killed_at_end(servers):
        servers += [start(database, tmp_path / "a")]
        crowd = Crowd([servers[0].origin])
        with crowd.asking(tmp_path / "device"):
            crowd.wait()
            revoked = rotate_and_revoke(crowd)
            crowd.wait()
            crowd.killed.set()
            servers[0].process.kill()
            servers[0].process.wait()
            servers += [start(database, tmp_path / "a", port=servers[0].origin.rpartition(":")[2])]
            crowd.wait()
        check(database, crowd, servers[1].origin, *revoked)
        assert servers[0].process.returncode == -signal.SIGKILL, "the first server ended before it was killed"
