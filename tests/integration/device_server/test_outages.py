"""Faults of a server's environment, on a real store: what devices and operators get, and what the log says.

docs/developers/environment.md has a row for each of them.
"""

import asyncio
import io
import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import pytest
from sqlalchemy import event

from lab.backend.asgi_transport import AsgiClient, AsgiResponse
from server_stub.api import readiness
from server_stub.api.app import create_app
from server_stub.api.json_log import json_log
from server_stub.attestation.deviations import DeviationTreatment
from server_stub.clock import RETRY_AFTER, ClockError, ClockFault
from server_stub.key_repository import TIMESTAMP, KeyList, VerdictSigner
from server_stub.policies.loading import shipped
from server_stub.reference_data.source_countries import unknown_country
from server_stub.reference_data.status_list import StatusListFile
from server_stub.store import alembic_migrations, sql
from server_stub.store.records import StoreUnavailableError
from server_stub.store.sql import SqlStore
from server_stub.verdicts.outage import Outage
from server_stub.verdicts.service import VerdictService
from tests.support.server_phone import MANUFACTURER, Clock, Phone, Randomness
from wire import media

DAY = 24 * 3600
SECOND = 1.0


class FaultyClock(Clock):
    """A clock that is wrong while it has a fault."""

    fault: ClockFault | None = None

    def __call__(self) -> int:
        if self.fault:
            raise ClockError(self.fault)
        return super().__call__()


@dataclass
class Endangered:
    """A server in this process, whose store is a file in `folder`, and whose stopwatch the test sets."""

    folder: Path
    stack: ExitStack
    clock: FaultyClock = field(default_factory=FaultyClock)
    log: io.StringIO = field(default_factory=io.StringIO)
    seconds: float = 100.0
    listed: KeyList | None = None

    def __post_init__(self) -> None:
        self.store = SqlStore(self.folder / "records.sqlite", alembic_migrations)
        self.stack.callback(self.store.close)
        keys = MANUFACTURER.secrets.signing_keys
        self.repository = MANUFACTURER.ceremony.open(self.store, keys, self.clock)
        self.service = VerdictService(
            secrets=MANUFACTURER.secrets,
            policy=shipped(),
            store=self.store,
            issuer=MANUFACTURER.issuer,
            audience=MANUFACTURER.audience,
            clock=self.clock,
            random=Randomness(),
            key=VerdictSigner(
                keys, lambda reading: self.listed or self.repository.keys(reading), self.clock
            ).key,
        )
        self.app = create_app(
            self.service,
            repository=self.repository,
            log=json_log(self.log),
            stopwatch=lambda: self.seconds,
        )
        self.client = AsgiClient(self.app)
        self.stack.callback(self.client.close)

    def get(self, path: str) -> AsgiResponse:
        return self.client.request("GET", path, {}, b"")

    def verdict(self) -> int:
        """The status of a request for a verdict."""
        nonce = json.loads(self.client.request("POST", media.CHALLENGES_PATH, {}, b"").body)["nonce"]
        headers = {"content-type": media.EVIDENCE, "accept": media.VERDICT}
        answer = self.client.request("POST", media.VERDICTS_PATH, headers, Phone().evidence(nonce))
        if answer.status != 200:
            problem = json.loads(answer.body)
            assert (answer.status, problem["code"]) == (503, "unavailable")
            assert answer.headers["retry-after"] == "5"
        return answer.status

    def reason(self) -> str | None:
        """The reason of /readyz, None if the server is ready, a second after the last call."""
        self.seconds += SECOND
        answer = self.get("/readyz")
        if answer.status == 200:
            return None
        problem = json.loads(answer.body)
        assert (answer.status, answer.headers["content-type"]) == (503, media.PROBLEM)
        assert problem["detail"].startswith(f"{problem['reason']}: ")
        assert "activation_ready 0.0" in self.get("/metrics").body.decode()
        return str(problem["reason"])

    def events(self) -> list[tuple[str, str, int | None]]:
        """Begins and ends of outages in the log, with the number of failed requests."""
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [
            (line["event"], line["reason"], line.get("failed_requests"))
            for line in lines
            if line["event"].startswith("outage")
        ]

    def counted(self, outage: Outage) -> int:
        page = self.get("/metrics").body.decode()
        [number] = re.findall(
            rf'^activation_outage_requests_total{{reason="{outage}"}} (\S+)$', page, re.MULTILINE
        )
        return int(float(number))


@contextmanager
def endangered(folder: Path) -> Iterator[Endangered]:
    with ExitStack() as stack:
        yield Endangered(folder, stack)


def assert_outage(server: Endangered, outage: Outage, mend: Callable[[], object]) -> None:
    """Devices get 503 while there is `outage`, and verdicts after `mend`; the log has one line at each end."""
    assert server.reason() == outage
    assert server.verdict() == 503
    assert server.reason() == outage
    assert server.events() == [("outage", outage, None)]
    assert server.counted(outage) == 3
    mend()
    assert server.verdict() == 200
    assert server.events() == [("outage", outage, None), ("outage-ended", outage, 3)]
    assert server.reason() is None
    assert "activation_ready 1.0" in server.get("/metrics").body.decode()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        for size in (65_536, 512, 1):
            try:
                while True:
                    stream.write(b"\0" * size)
            except OSError:
                pass
    return filler


def exhaust(server: Endangered) -> None:
    """Record verdicts until /readyz finds that there is no space: up to then, some fit into what is allocated."""
    for _ in range(100):
        if server.reason() is not None:
            break
        server.verdict()
    while server.verdict() == 200:
        pass
    server.seconds += SECOND


def assert_space_is_used_up_and_found_again(server: Endangered, mend: Callable[[], object]) -> None:
    exhaust(server)
    failed = server.counted(Outage.STORE_FULL)
    assert server.reason() == Outage.STORE_FULL
    assert server.verdict() == 503
    assert server.counted(Outage.STORE_FULL) == failed + 2
    assert {event[:2] for event in server.events()} >= {("outage", Outage.STORE_FULL)}
    mend()
    assert server.verdict() == 200
    assert server.reason() is None
    assert server.events()[-1][:2] == ("outage-ended", Outage.STORE_FULL)


def test_full_disk_is_an_outage_until_there_is_space(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk, endangered(disk) as server:
        assert server.verdict() == 200
        filler = fill(disk)
        assert_space_is_used_up_and_found_again(server, filler.unlink)


def test_database_of_the_maximum_size_is_an_outage_until_it_may_grow(tmp_path: Path) -> None:
    with endangered(tmp_path) as server:

        def limit(pages: int) -> None:
            server.store.close()  # idle connections
            event.listen(
                server.store._engine,
                "connect",
                lambda connection, _: connection.execute(f"PRAGMA max_page_count={pages}").close(),
            )

        limit(60)
        assert_space_is_used_up_and_found_again(server, lambda: limit(1_000_000))


def test_limit_of_file_sizes_is_an_outage_until_it_is_raised(tmp_path: Path) -> None:
    with endangered(tmp_path) as server:
        assert server.verdict() == 200
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        size = max(file.stat().st_size for file in tmp_path.glob("records.sqlite*"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            assert_outage(
                server, Outage.STORE_FULL, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            )
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("wait", [0, pytest.param(sql._BUSY_SECONDS, marks=pytest.mark.slow)])
def test_locked_database_is_an_outage_until_it_is_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait: int
) -> None:
    """With the real wait, the lock is held for 10 s and more."""
    monkeypatch.setattr(sql, "_BUSY_SECONDS", wait)
    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 60 if wait == 0 else readiness.ANSWER_SECONDS)
    with endangered(tmp_path) as server:
        assert server.verdict() == 200
        other = sqlite3.connect(tmp_path / "records.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert_outage(server, Outage.STORE_LOCKED, other.rollback)
        other.close()


@contextmanager
def as_stranger() -> Iterator[None]:
    """Without the rights of root, which may write everything."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(own)


def test_read_only_database_is_an_outage_until_it_can_be_written() -> None:
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        server = stack.enter_context(endangered(folder))
        assert server.verdict() == 200
        server.store.close()  # idle connections
        for file in folder.glob("records.sqlite*"):
            file.chmod(0o444)
        folder.chmod(0o555)
        with as_stranger():
            assert server.reason() == Outage.STORE_READ_ONLY
            assert server.verdict() == 503
            with pytest.raises(StoreUnavailableError, match=r"it or its folder cannot be written"):
                SqlStore(folder / "records.sqlite")
        folder.chmod(0o755)
        for file in folder.glob("records.sqlite*"):
            file.chmod(0o600)
        assert server.verdict() == 200
        assert server.events() == [
            ("outage", Outage.STORE_READ_ONLY, None),
            ("outage-ended", Outage.STORE_READ_ONLY, 2),
        ]


@pytest.mark.parametrize("replaced", ["removed", "replaced"])
def test_removed_or_replaced_database_is_an_outage_until_it_is_back(tmp_path: Path, replaced: str) -> None:
    with endangered(tmp_path) as server:
        file, kept = tmp_path / "records.sqlite", tmp_path / "kept.sqlite"
        file.rename(kept)
        if replaced == "replaced":
            shutil.copy(kept, file)
        assert server.reason() == Outage.STORE_UNAVAILABLE
        kept.replace(file)
        assert server.reason() is None
        assert [event[0] for event in server.events()] == ["outage", "outage-ended"]


def test_list_without_a_key_that_may_sign_is_an_outage_until_one_is_listed(tmp_path: Path) -> None:
    with endangered(tmp_path) as server:
        listed = server.repository.keys()
        for key in MANUFACTURER.secrets.signing_keys:
            listed = listed.revoked(key.kid)
        server.listed = listed
        assert_outage(server, Outage.KEYS_CANNOT_SIGN, lambda: setattr(server, "listed", None))


def test_altered_key_repository_is_an_outage(tmp_path: Path) -> None:
    """It is noticed with the next publication, and lasts until it is restored."""
    with endangered(tmp_path) as server:
        with server.store.transaction() as transaction:
            honest = transaction.repository_file(TIMESTAMP) or b""
            transaction.publish({TIMESTAMP: b"{}"})
        assert server.reason() == Outage.KEYS_UNPUBLISHED
        assert server.get("/tuf/metadata/timestamp.json").status == 503
        with server.store.transaction() as transaction:
            transaction.publish({TIMESTAMP: honest})
        assert server.get("/tuf/metadata/timestamp.json").body == honest
        assert server.reason() is None
        assert server.events() == [
            ("outage", Outage.KEYS_UNPUBLISHED, None),
            ("outage-ended", Outage.KEYS_UNPUBLISHED, 2),
        ]


def test_missing_status_list_is_an_outage_until_it_is_there(tmp_path: Path) -> None:
    with endangered(tmp_path) as server:
        file = tmp_path / "status.json"
        server.service.appraise_by(unknown_country, DeviationTreatment.WARN, StatusListFile(file))

        def write() -> None:
            file.write_text('{"entries": {}}')
            server.clock.now = int(file.stat().st_ctime)

        assert_outage(server, Outage.STATUS_LIST_UNUSABLE, write)


def test_durable_write_is_shared_and_done_at_most_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with endangered(tmp_path) as server:
        writes: list[float] = []
        check = server.store.check
        monkeypatch.setattr(server.store, "check", lambda: (writes.append(server.seconds), check()))

        async def ask(number: int) -> list[AsgiResponse]:
            return await asyncio.gather(
                *(server.client._request("GET", "/readyz", {}, b"") for _ in range(number))
            )

        for at in (100.0, 100.5, 100.99, 101.0, 101.9, 103.0):
            server.seconds = at
            found = server.client._loop.run_until_complete(ask(8))
            assert {answer.status for answer in found} == {200}
        assert writes == [100.0, 101.0, 103.0]


def test_store_that_does_not_answer_is_not_ready_and_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 0.05)
    with endangered(tmp_path) as server:
        calls, answered = [], Event()
        monkeypatch.setattr(server.store, "check", lambda: (calls.append(1), answered.wait(60)))
        for _ in range(3):
            assert server.reason() == Outage.STORE_LOCKED
        assert len(calls) == 1
        answered.set()
        assert server.get("/healthz").status == 200


def test_wrong_clock_is_logged_once_and_counted_until_it_is_right(tmp_path: Path) -> None:
    with endangered(tmp_path) as server:
        server.clock.fault = ClockFault.STEPPED
        assert server.reason() == Outage.CLOCK_STEPPED
        for method, path in (
            ("POST", media.CHALLENGES_PATH),
            ("GET", "/tuf/metadata/timestamp.json"),
        ):
            answer = server.client.request(method, path, {}, b"")
            assert (answer.status, answer.headers["retry-after"]) == (503, str(RETRY_AFTER))
            assert json.loads(answer.body)["detail"].startswith("clock-stepped: ")
        assert server.get("/tuf/metadata/1.root.json").status == 200
        server.clock.fault = None
        assert server.verdict() == 200
        assert server.events() == [
            ("outage", Outage.CLOCK_STEPPED, None),
            ("outage-ended", Outage.CLOCK_STEPPED, 3),
        ]
