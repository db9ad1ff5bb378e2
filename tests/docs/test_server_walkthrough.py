"""The walks through a server in README.md and docs, run command by command."""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.sockets import free_port

ROOT = Path(__file__).parents[2]
DEVELOPERS = "docs/developers/README.md"
PAGES = {
    "README.md": "You write a client",
    DEVELOPERS: "The server",
    "docs/developers/admin.md": "A session by curl",
    "docs/developers/lab.md": "A verified verdict for your own key",
    "docs/developers/faults.md": "The server's faults",
    "docs/qa/device-lifecycle.md": "An unlock code from the shell",
}
"""The pages and their sections."""

SECTION = r"^## {}\n(.*?)(?=^## |\Z)"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
PORTS = ("8021", "8022")
"""Of the server, and of the proxy."""

ENDLESS = "until Ctrl-C"
"""In the comment of a command that a user ends. It runs for three seconds here."""

HINT = re.compile(r"\s+# .*")


@dataclass(frozen=True)
class Command:
    """A line after a prompt, and the lines that are said to follow."""

    text: str
    shown: tuple[str, ...]


def commands(page: str = DEVELOPERS) -> list[Command]:
    text = (ROOT / page).read_text("utf-8")
    found = re.search(SECTION.format(PAGES[page]), text, re.MULTILINE | re.DOTALL)
    assert found, "the page has no such section"
    lines = [line for block in BLOCK.findall(found[1]) for line in block.splitlines()]
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    ends = [*starts[1:], len(lines)]
    return [Command(lines[a][2:], tuple(lines[a + 1 : b])) for a, b in zip(starts, ends, strict=True)]


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Free ports instead of the page's, which may be taken on the machine that runs the tests.

    The environment is the one after `source .venv/bin/activate`.
    """
    free = {port: free_port() for port in PORTS}
    server = free[PORTS[0]]
    monkeypatch.setenv("ACTIVATION_SERVER_PORT", server)
    monkeypatch.setenv("ACTIVATION_ADMIN_SERVER", f"http://127.0.0.1:{server}")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return free


def with_ports(text: str, ports: dict[str, str]) -> str:
    for port, free in ports.items():
        text = text.replace(port, free)
    return text


def runnable(text: str, ports: dict[str, str]) -> str:
    if ENDLESS in text:
        proxy = f"--listen 127.0.0.1:{ports[PORTS[1]]}"
        text = f"timeout --preserve-status -s INT 3 {HINT.sub('', text)} {proxy}"
    return with_ports(text, ports)


def started(server: "subprocess.Popen[str]") -> str:
    assert server.stdout
    line = server.stdout.readline()
    time.sleep(0.1)
    return line


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, ("curl", "jq", "openssl"))), reason="the pages use curl, jq and openssl"
)
@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_the_section_does_what_is_shown(
    page: str, tmp_path: Path, ports: dict[str, str]
) -> None:
    """The first one runs on, the others follow one another; each ends well and says what the page says it does."""
    serve, *others = [Command(runnable(c.text, ports), c.shown) for c in commands(page)]
    with subprocess.Popen(
        HINT.sub("", serve.text).split(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
    ) as server:
        try:
            line = started(server)
            assert ports[PORTS[0]] in line
            assert all(with_ports(shown, ports) == line.strip() for shown in serve.shown)
            for command in others:
                done = subprocess.run(
                    ["bash", "-o", "pipefail", "-c", command.text],
                    capture_output=True,
                    text=True,
                    cwd=tmp_path,
                    timeout=60,
                    check=False,
                )
                assert done.returncode == 0, f"{command.text}\n{done.stdout}{done.stderr}"
                for line in command.shown:
                    assert line in done.stdout, command.text
        finally:
            server.terminate()


def test_the_section_covers_what_a_developer_needs_first() -> None:
    """Start, a request by curl, lock and unlock, edit the policy, and see the difference each time."""
    texts = [command.text for command in commands()]
    for part in (
        "activation serve",
        "curl -s -X POST",
        "devices lock",
        "devices unlock",
        "put-in-force",
        "roll-back",
    ):
        assert any(part in text for text in texts), part
    seen = [line for command in commands() for line in command.shown if line.startswith("official-global")]
    assert [line.rpartition(" ")[2] for line in seen] == ["locked", "activated", "locked", "activated"]
