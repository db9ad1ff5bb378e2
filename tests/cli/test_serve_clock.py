"""`activation serve` with records of the future, and `activation admin clock`."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from tuf.api.metadata import Metadata, Timestamp
from typer.testing import CliRunner

from lab.cli.main import app
from server_stub.store import alembic_migrations
from server_stub.store.records import AuditEntry
from server_stub.store.sql import SqlStore
from wire.key_repository import CLOCK

ACTIVATION = str(Path(sys.executable).with_name("activation"))


def write_entry(database: Path, at: int, *, test_clock: int | None = None) -> None:
    store = SqlStore(database, alembic_migrations)
    with store.transaction() as transaction:
        transaction.append_audit(AuditEntry(at, "test", "test.entry", "server", "a test", {}))
        if test_clock is not None:
            transaction.set_test_clock(test_clock)
    store.close()


@contextmanager
def serving(database: Path, *arguments: str) -> Iterator[str]:
    command = [ACTIVATION, "serve", "--port", "0", "--db", str(database), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            server.kill()


def clock_number(origin: str) -> int:
    content = requests.get(f"{origin}/tuf/metadata/timestamp.json", timeout=60).content
    return int(Metadata[Timestamp].from_bytes(content).signed.unrecognized_fields.get(CLOCK, 0))


@pytest.mark.slow
def test_server_with_records_of_the_future_serves_devices_after_its_clock_is_accepted(tmp_path: Path) -> None:
    database = tmp_path / "records.sqlite"
    with serving(database) as origin:
        assert clock_number(origin) == 0
    write_entry(database, int(time.time()) + 3600)
    with serving(database) as origin:
        ready = requests.get(f"{origin}/readyz", timeout=60)
        assert (ready.status_code, "clock-behind" in ready.text) == (503, True)
        token = str(tmp_path / "records-admin-token")
        arguments = ["admin", "clock", "accept", "--reason", "a test", "--server", origin]
        accepted = CliRunner().invoke(app, [*arguments, "--token-file", token])
        assert accepted.exit_code == 0, accepted.output
        assert re.fullmatch(r"The time \S+ \S+Z is accepted; clock number 1\.\n", accepted.output)
        assert requests.get(f"{origin}/readyz", timeout=60).status_code == 200
    write_entry(database, int(time.time()) + 3600)
    with serving(database, "--accept-clock") as origin:
        assert requests.get(f"{origin}/readyz", timeout=60).status_code == 200
        assert clock_number(origin) == 2
    with serving(database) as origin:
        assert clock_number(origin) == 2


@pytest.mark.slow
def test_server_without_keys_says_how_to_accept_its_clock(tmp_path: Path) -> None:
    database = tmp_path / "records.sqlite"
    write_entry(database, int(time.time()) + 3600)
    done = subprocess.run(
        [ACTIVATION, "serve", "--port", "0", "--db", str(database)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert "clock-behind; correct the clock, or add --accept-clock" in " ".join(done.stderr.split())
    with serving(database, "--accept-clock") as origin:
        assert clock_number(origin) == 1


@pytest.mark.parametrize("source", ["variable", "file"])
def test_acceptance_is_no_setting_since_each_start_would_repeat_it(tmp_path: Path, source: str) -> None:
    file = tmp_path / "server.toml"
    file.write_text("accept_clock = true\n" if source == "file" else "", "utf-8")
    file.chmod(0o600)
    variables = {"ACTIVATION_SERVER_ACCEPT_CLOCK": "true"} if source == "variable" else {}
    arguments = ["serve", "--port", "0", "--db", str(tmp_path / "records.sqlite"), "--config", str(file)]
    done = CliRunner(env=variables).invoke(app, arguments)
    assert done.exit_code == 2
    assert "accept_clock" in done.output.lower()
    assert not (tmp_path / "records.sqlite").exists()


def test_database_with_a_test_clock_is_refused_by_name(tmp_path: Path) -> None:
    database = tmp_path / "records.sqlite"
    write_entry(database, 1, test_clock=86_400)
    done = CliRunner().invoke(app, ["serve", "--port", "0", "--db", str(database)])
    assert done.exit_code == 3
    assert "test-clock" in done.output
    assert "--lab" in done.output
    assert not (tmp_path / "records-keys").exists()
