"""`activation serve --restored`, after a backup of the database was restored."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner

from lab.cli.main import app
from server_stub.store.records import AuditQuery
from tests.support.served import served
from tests.support.stores import open_store, place_of

ACTIVATION = str(Path(sys.executable).with_name("activation"))
WHY = ("--reason", "a test")


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


def run(*words: str) -> str:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return result.stdout


def device(origin: str, state: Path) -> tuple[str, list[str]]:
    """The outcome of a device with a saved state, and the codes of what failed."""
    place = ("--profile", "official-global", "--place", "paris", "--state", str(state))
    report = json.loads(run("device", *place, "--server", origin, "--json"))
    codes = [entry["detail"].get("code") for entry in report["timeline"] if entry["what"] == "failed"]
    return report["outcome"], codes


def published(origin: str, name: str) -> Any:
    return requests.get(f"{origin}/tuf/metadata/{name}.json", timeout=60).json()["signed"]


@pytest.mark.slow
def test_device_rejects_a_restored_backup_until_the_server_is_started_with_restored(tmp_path: Path) -> None:
    database, backup, state = tmp_path / "a.sqlite", tmp_path / "backup.sqlite", tmp_path / "phone"
    with serving(database) as origin:
        admin = ("--server", origin, "--token-file", str(tmp_path / "a-admin-token"))
        assert device(origin, state) == ("activated", [])
        with closing(sqlite3.connect(database)) as running, closing(sqlite3.connect(backup)) as copy:
            running.backup(copy)
        run("admin", "keys", "replace-online", *WHY, *admin)
        kid = next(
            key["kid"] for key in json.loads(run("admin", "keys", "list", *admin, "--json")) if key["signs"]
        )
        run("admin", "keys", "revoke", kid, *WHY, *admin)
        assert device(origin, state) == ("activated", [])
    with serving(database):
        assert (tmp_path / "a-keys/metadata/2.root.json").exists()
    for file in tmp_path.glob("a.sqlite*"):
        file.unlink()
    shutil.copy(backup, database)
    refused = CliRunner().invoke(app, ["serve", "--port", "0", "--db", str(database)])
    assert refused.exit_code == 3
    assert "2.root.json is not in the database" in " ".join(refused.stderr.split())
    assert "--restored" in refused.stderr
    with serving(database, "--keys", str(tmp_path / "other")) as origin:
        assert device(origin, state)[1] == ["tuf-unsigned"], "the device has seen root 2"
    with serving(database, "--restored") as origin:
        assert device(origin, state) == ("activated", [])
        assert published(origin, "2.root")["version"] == 2
        version = published(origin, "timestamp")["version"]
        assert version > 1_000_000
        admin = ("--server", origin, "--token-file", str(tmp_path / "a-admin-token"))
        [entry] = json.loads(run("admin", "audit", "--action", "key.skip", *admin, "--json"))
        assert (entry["reason"], entry["details"]) == ("serve --restored", {"version": version})
    with serving(database) as origin:
        assert published(origin, "timestamp")["version"] == version


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "workers"), [("sqlite", 1), ("postgresql", 2)])
def test_restored_server_says_what_it_published_and_logs_its_start_and_end(
    tmp_path: Path, kind: str, workers: int
) -> None:
    with place_of(kind, tmp_path) as place, served(tmp_path, place, "--restored", workers=workers) as server:
        assert server.process.stdout
        assert server.end() == 0
        [version] = re.findall(
            "^Published under versions from ([0-9]+), which no device has seen; "
            r"repeat what was revoked since the backup\.$",
            server.process.stdout.read(),
            re.MULTILINE,
        )
        with closing(open_store(place)) as store, store.reading() as reading:
            [entry] = reading.audit(AuditQuery(action="key.skip-versions")).items
        assert entry.details == {"version": int(version)}
        skipped, started, stopped = (line for line in server.lines() if line["event"] != "request")
        assert (skipped["event"], skipped["version"]) == ("versions-skipped", int(version))
        assert (started["event"], started["origin"], started["workers"]) == (
            "server-started",
            server.origin,
            workers,
        )
        assert started["release"] == metadata.version("activation-agent")
        assert stopped["event"] == "server-stopped"
