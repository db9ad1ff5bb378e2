"""`activation serve --lab`: where it may run, on which databases, and with which token."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from typer.testing import CliRunner

from lab.cli.main import app
from server_stub.store import alembic_migrations
from server_stub.store.records import InForce
from server_stub.store.sql import SqlStore

ACTIVATION = str(Path(sys.executable).with_name("activation"))
TOKEN = "ci." + "x" * 32
LATER = 2_000_000_000


@pytest.fixture(autouse=True)
def _in_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def token_file(text: str, mode: int = 0o600) -> None:
    Path("token").write_text(text, "utf-8")
    Path("token").chmod(mode)


def refused(*arguments: str) -> tuple[int, str]:
    """Exit code and message of a server that does not start."""
    done = CliRunner().invoke(app, ["serve", "--port", "0", *arguments])
    assert done.stdout == ""
    return done.exit_code, done.stderr


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (TOKEN, 0o644, "token can be read by others; run chmod 600 on it"),
        ("x" * 43, 0o600, "token holds no token"),
        ("ci." + "x" * 31, 0o600, "token holds no token"),
        ("ci." + "x" * 31 + "\0", 0o600, "token holds no token"),
        ("x" * 257, 0o600, "longer than 256 bytes"),
        ("", 0o600, "token holds no token"),
    ],
)
def test_token_that_is_none_or_that_others_can_use_is_a_usage_error(
    content: str, mode: int, message: str
) -> None:
    token_file(content, mode)
    code, said = refused("--lab", "--admin-token-file", "token")
    assert (code, message in said, content in said and content != "") == (2, True, False), said
    assert [each.name for each in Path().iterdir()] == ["token"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "some-name.example"])
def test_lab_listens_to_other_machines_only_with_a_token_of_ones_own(host: str) -> None:
    code, said = refused("--lab", "--host", host, "--seed", "mine")
    assert (code, "set a token of your own with --admin-token-file" in said) == (2, True), said


def test_database_that_was_not_created_for_a_lab_is_refused() -> None:
    store = SqlStore("activation.sqlite", alembic_migrations)
    with store.transaction() as transaction:
        transaction.put_in_force(InForce("export-2021-09", 2, 5, "server", "started"))
    code, said = refused("--lab")
    assert (code, "it was not created with --lab" in said) == (3, True), said
    with store.reading() as reading:
        assert reading.test_clock() is None


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    with subprocess.Popen(
        [ACTIVATION, "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found
            yield found[0], server
        finally:
            server.kill()


@pytest.mark.slow
def test_moved_clock_survives_a_kill_and_devices_and_unlock_codes_follow_it() -> None:
    """Also the device that was activated before the jump, with the token that the operator set."""
    token_file(TOKEN + "\n")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    lab = ("--lab", "--admin-token-file", "token")
    with serving(*lab) as (origin, server):
        assert device(origin, "before") == "locked"
        moved = requests.put(f"{origin}/lab/v1/clock", json={"now": LATER}, headers=headers, timeout=60)
        assert moved.status_code == 200, moved.text
        server.send_signal(signal.SIGKILL)
    with serving(*lab) as (origin, _):
        shown = requests.get(f"{origin}/lab/v1/clock", headers=headers, timeout=60).json()
        assert LATER <= shown["now"] < LATER + 600
        assert device(origin, "before") == "locked"
        assert device(origin, "after", "tehran") == "locked"
        challenge = json.loads(show("before"))["screen"]["challenge"]
        code = CliRunner().invoke(app, ["unlock", challenge, "--out", "code"])
        assert code.exit_code == 0, code.stderr
        shown = json.loads(show("before", "--offline", "--code", "code"))
        assert shown["outcome"] == "activated"


def device(origin: str, state: str, place: str = "havana") -> str:
    outcome: str = json.loads(show(state, "--server", origin, place=place))["outcome"]
    return outcome


def show(state: str, *arguments: str, place: str = "havana") -> str:
    call = ["device", "--profile", "official-global", "--place", place, "--state", state, "--json"]
    return CliRunner().invoke(app, [*call, *(arguments or ["--offline"])]).stdout
