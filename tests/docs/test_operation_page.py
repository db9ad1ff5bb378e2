"""Every command of docs/developers/operation.md, in one shell, with a phone that asks after each change."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from server_stub.api.metrics import Metrics
from tests.docs.test_server_walkthrough import BLOCK, HINT, PORTS, with_ports
from tests.support.sockets import free_port
from tests.support.stores import KINDS, postgresql_url

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/developers/operation.md").read_text("utf-8")
MARKS = {"sqlite": "# SQLite", "postgresql": "# PostgreSQL"}
PRELUDE = r"""
accepted='.outcome == "locked" and all(.timeline[]; .what != "failed")'
rejected='any(.timeline[]; .detail.code? == "tuf-unsigned")'
ask() {
    activation device --profile official-global --place havana --state phone --json --seed "$SEED" \
        --server "http://127.0.0.1:$1" | jq -e "$2"
}
rotate() {
    key=$(activation admin keys list --json | jq -r '.[] | select(.signs).kid')
    activation admin keys rotate "$key" --reason test
}
replace() { activation admin keys replace-online --config server.toml --reason test; }
"""
"""A locked phone asks at each start. Its storage has the newest metadata that it has seen."""

ASK = 'ask 8021 "$accepted"'
ADDED = {
    "sqlite": {"Start": ASK, "Keys": ASK, "Back up": f"rotate\n{ASK}", "Restore": ASK},
    "postgresql": {
        "Start": ASK,
        "Scale": 'ask 8022 "$accepted"',
        "Keys": 'ask 8022 "$accepted"',
        "Back up": f"replace\n{ASK}",
        "Restore": f'ask 8021 "$rejected"\nreplace\n{ASK}',
    },
}
"""What follows the commands of a section: publications since the backup, and whether the phone accepts the server."""


@contextmanager
def database_url(kind: str) -> Iterator[str]:
    """An empty database of the test in PostgreSQL, or the name of the file in SQLite."""
    if kind == "sqlite":
        yield "activation.sqlite"
        return
    url, name = postgresql_url(), f"operation_{secrets.token_hex(8)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield re.sub(r"/[^/?]*(?=\?|$)", f"/{name}", url)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def commands(kind: str) -> Iterator[str]:
    """The commands of the page for a database, and what the test adds to each section."""
    yield PRELUDE
    others = tuple(mark for other, mark in MARKS.items() if other != kind)
    for section in PAGE.split("\n## "):
        for line in (line for block in BLOCK.findall(section) for line in block.splitlines()):
            assert line.startswith("$ ")
            if not line.endswith(others):
                yield HINT.sub("", line[2:])
        yield ADDED[kind].get(section.partition("\n")[0], "")


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, ("curl", "jq", "openssl"))), reason="the page uses curl, jq and openssl"
)
@pytest.mark.parametrize("kind", KINDS)
def test_every_command_of_the_page_runs_and_a_phone_accepts_the_server_after_each_change(
    kind: str, tmp_path: Path
) -> None:
    [settings] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    [seed] = re.findall(r'seed = "(.*)"', settings)
    ports = {port: free_port() for port in PORTS}
    programs = [Path(sys.executable).parent, *Path("/usr/lib/postgresql").glob("*/bin")]
    with database_url(kind) as database:
        (tmp_path / "server.toml").write_text(
            with_ports(settings.replace('"activation.sqlite"', f'"{database}"'), ports), "utf-8"
        )
        script = with_ports("\n".join(commands(kind)), ports)
        environment = {
            "PATH": f"{':'.join(map(str, programs))}:{os.environ['PATH']}",
            "ACTIVATION_ADMIN_SERVER": f"http://127.0.0.1:{ports['8021']}",
            "DATABASE": database,
            "SEED": seed,
        }
        with (
            (tmp_path / "output").open("w") as file,
            subprocess.Popen(
                ["bash", "-euxo", "pipefail", "-c", script],
                cwd=tmp_path,
                env=os.environ | environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as shell,
        ):
            try:
                shell.wait(timeout=240)
            finally:
                end_group(shell)
    output = (tmp_path / "output").read_text("utf-8")
    assert shell.returncode == 0, output
    assert "activation_ready 1.0" in output
    assert 'status="500"' not in output
    assert not re.search(r"^activation_outage_requests_total\{.*\} [1-9]", output, re.MULTILINE)


def end_group(shell: "subprocess.Popen[bytes]") -> None:
    """End the servers, which are children of the shell."""
    with suppress(ProcessLookupError):
        os.killpg(shell.pid, signal.SIGKILL)


def test_metrics_and_log_lines_of_the_page_exist() -> None:
    names = set(re.findall(r"`(activation_\w+)`", PAGE))
    page = Metrics().page().decode()
    assert len(names) > 8
    assert [name for name in names if f"# TYPE {name} " not in page] == []
    [lines] = re.findall(r"^Log lines .*$", PAGE, re.MULTILINE)
    code = "".join(file.read_text("utf-8") for file in (ROOT / "server_stub").rglob("*.py"))
    assert [event for event in re.findall(r"`([\w-]+)`", lines) if f'"{event}"' not in code] == []
