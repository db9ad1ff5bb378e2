"""`activation serve --db` with a file and with PostgreSQL; no output has the password."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url
from typer.testing import CliRunner

from lab.cli.main import app
from server_stub.store.database import Database
from server_stub.store.records import DeviceQuery
from tests.support.stores import open_store, postgresql_url, schema_url

ACTIVATION = str(Path(sys.executable).with_name("activation"))


REFUSED = (
    "another server uses it, and SQLite is for one process, since two processes are slower than one; "
    "end it, use PostgreSQL for several, or choose another --db"
)


@contextmanager
def served(place: str, folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The process of a server, and the first line that it prints."""
    with subprocess.Popen(
        [ACTIVATION, "serve", "--port", "0", "--database", place],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
    ) as server:
        assert server.stdout is not None
        try:
            yield server, server.stdout.readline()
        finally:
            server.terminate()


def with_a_password(url: str) -> str:
    """The same URL with a password. The test server accepts every password."""
    return url.replace("activation@", "activation:secret@")


def test_device_is_locked_and_unlocked_with_postgresql(tmp_path: Path) -> None:
    with schema_url() as url:
        with served(with_a_password(url), tmp_path) as (server, first):
            found = re.search(r"http://\S+", first)
            assert found is not None
            arguments = ["device", "--profile", "official-global", "--place", "havana", "--json"]
            done = CliRunner().invoke(app, [*arguments, "--server", found[0]])
            server.terminate()
            printed = first + server.communicate()[0]
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
        ("postgresql://judge:very@secret@db.example/verdicts", 2, "write %40 for an @ in its password"),
        (
            "postgresql://judge:secret@127.0.0.1:1/verdicts",
            3,
            r"^activation: cannot use postgresql://judge:\*\*\*@127\.0\.0\.1:1/verdicts: connection refused; "
            r"is it running there\? or choose another --db$",
        ),
        (
            "postgresql://judge@127.0.0.1:1/verdicts?sslmode=secret&password=secret",
            3,
            r'verdicts: invalid sslmode value: "\*\*\*"; choose another --db$',
        ),
        (
            f"postgresql://judge@127.0.0.1:1/verdicts?{'x' * 300}=1",
            3,
            'verdicts: invalid connection option "x{173}…; choose',
        ),
        pytest.param(
            "postgresql://judge:secret@none.invalid/verdicts",
            3,
            "verdicts: failed to resolve host 'none.invalid': ",
            marks=pytest.mark.slow,  # the resolver may take seconds
        ),
        (
            "missing/a.sqlite",
            3,
            "cannot use missing/a.sqlite: No such file or directory; choose another --db$",
        ),
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


@pytest.mark.parametrize("wrong", ["role", "database"])
def test_what_postgresql_refuses_is_said_with_the_place_of_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.chdir(tmp_path)
    url = make_url(postgresql_url())
    url = url.set(**{"username" if wrong == "role" else "database": "missing"})  # type: ignore[arg-type]
    shown = url.render_as_string()
    Path("server.toml").write_text(f'port = 0\ndatabase = "{url.render_as_string(hide_password=False)}"\n')
    Path("server.toml").chmod(0o600)
    done = CliRunner().invoke(app, ["serve", "--config", "server.toml"])
    reason = f'{wrong} "missing" does not exist; choose another database'
    assert (done.exit_code, done.stderr) == (
        3,
        f"activation: server.toml:2: database: cannot use {shown}: {reason}\n",
    )


def test_unlock_does_not_create_a_missing_database(tmp_path: Path) -> None:
    missing = tmp_path / "missing.sqlite"
    challenge = "FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY"
    done = CliRunner().invoke(app, ["unlock", challenge, "--database", str(missing)])
    assert done.exit_code == 2
    assert not missing.exists()


def test_a_second_server_on_an_sqlite_file_is_refused_until_the_first_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.sqlite").symlink_to("a.sqlite")
    with Database("a.sqlite").held() as new, closing(open_store("a.sqlite")):
        before = {file: file.stat().st_size for file in tmp_path.iterdir()}
        for place in ("a.sqlite", str(tmp_path / "a.sqlite"), "link.sqlite"):
            done = CliRunner().invoke(app, ["serve", "--port", "0", "--db", place])
            assert done.exit_code == 3
            assert f"cannot use {place}: {REFUSED}\n" in done.stderr
        assert {file: file.stat().st_size for file in tmp_path.iterdir()} == before
    with Database("link.sqlite").held() as again:
        assert (new, again) == (True, False)


@pytest.mark.slow
def test_other_commands_work_while_a_server_runs_and_a_killed_one_leaves_no_lock(tmp_path: Path) -> None:
    file = str(tmp_path / "a.sqlite")
    with served(file, tmp_path) as (server, _):
        challenge = "FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY"
        for words, expected in (
            (("admin", "token"), "operator."),
            (("admin", "prune"), "Audit entries: 0 pruned."),
            (("unlock", challenge), "device-unknown"),
        ):
            assert expected in CliRunner().invoke(app, [*words, "--db", file]).output
        with served(file, tmp_path) as (second, first):
            assert (REFUSED in first, second.wait()) == (True, 3)
        server.kill()
        server.wait()
        with served(file, tmp_path) as (_, first):
            assert "listens on" in first


def test_a_server_that_holds_its_file_keeps_the_locks_of_sqlite(tmp_path: Path) -> None:
    """Its own descriptor of the file is closed after the store is."""
    file = tmp_path / "a.sqlite"
    attempt = f"import sqlite3; sqlite3.connect({str(file)!r}, timeout=0).execute('BEGIN IMMEDIATE')"
    with Database(file).held(), closing(open_store(file)) as store, store.transaction():
        done = subprocess.run([sys.executable, "-c", attempt], capture_output=True, text=True, check=False)
        assert "database is locked" in done.stderr
    assert sqlite3.connect(file, timeout=0).execute("BEGIN IMMEDIATE")
