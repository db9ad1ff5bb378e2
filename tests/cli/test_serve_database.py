"""`activation serve --db` with a file and with PostgreSQL; no output has the password."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from server_stub.store.records import DeviceQuery
from tests.support.stores import open_store, schema_url

ACTIVATION = str(Path(sys.executable).with_name("activation"))


def with_a_password(url: str) -> str:
    """The same URL with a password. The test server accepts every password."""
    return url.replace("activation@", "activation:secret@")


def test_device_is_locked_and_unlocked_with_postgresql(tmp_path: Path) -> None:
    with schema_url() as url:
        place = with_a_password(url)
        with subprocess.Popen(
            [ACTIVATION, "serve", "--port", "0", "--database", place],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tmp_path,
        ) as server:
            assert server.stdout is not None
            try:
                first = server.stdout.readline()
                found = re.search(r"http://\S+", first)
                assert found is not None
                arguments = ["device", "--profile", "official-global", "--place", "havana", "--json"]
                done = CliRunner().invoke(app, [*arguments, "--server", found[0]])
            finally:
                server.terminate()
            printed = first + server.stdout.read()
        assert json.loads(done.stdout)["outcome"] == "locked"
        assert "***" in first
        assert "secret" not in printed
        store = open_store(url)
        with store.reading() as reading:
            [device] = reading.devices(DeviceQuery()).items
            assert reading.history(device.sub).items[0].verdict.territory == "CU"
        store.close()
    assert (tmp_path / "postgres-keys").is_dir()


@pytest.mark.parametrize(
    ("place", "code", "expected"),
    [
        ("mysql://judge:secret@db.example/verdicts", 2, "mysql databases are not supported"),
        ("postgresql://judge:secret@db.example:port/verdicts", 2, "not the URL of a database"),
        ("postgresql://judge:secret@127.0.0.1:1/verdicts", 3, r"judge:\*\*\*@127\.0\.0\.1:1/verdicts"),
    ],
)
def test_an_unusable_database_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, code: int, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["serve", "--port", "0", "--db", place])
    assert (done.exit_code, list(tmp_path.iterdir())) == (code, [])
    assert re.search(expected, done.stderr)
    assert "secret" not in done.output


def test_unlock_does_not_create_a_missing_database(tmp_path: Path) -> None:
    missing = tmp_path / "missing.sqlite"
    challenge = "FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY"
    done = CliRunner().invoke(app, ["unlock", challenge, "--database", str(missing)])
    assert done.exit_code == 2
    assert not missing.exists()
