"""The walks through a server in docs/developers, run command by command."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {"README.md": "The server", "lab.md": "A verified verdict for your own key"}
"""The pages and their sections."""

SECTION = r"^## {}\n(.*?)^## "
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
PORT = "8021"


@dataclass(frozen=True)
class Command:
    """A line after a prompt, and the lines that are said to follow."""

    text: str
    shown: tuple[str, ...]


def commands(page: str = "README.md") -> list[Command]:
    text = (ROOT / "docs/developers" / page).read_text("utf-8")
    found = re.search(SECTION.format(PAGES[page]), text, re.MULTILINE | re.DOTALL)
    assert found, "the page has no such section"
    lines = [line for block in BLOCK.findall(found[1]) for line in block.splitlines()]
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    ends = [*starts[1:], len(lines)]
    return [Command(lines[a][2:], tuple(lines[a + 1 : b])) for a, b in zip(starts, ends, strict=True)]


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Empty but for the virtual environment, under the name that the README uses."""
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    return tmp_path


@pytest.fixture
def port() -> Iterator[str]:
    """Instead of the README's, which may be taken on the machine that runs the tests."""
    number = free_port()
    os.environ["ACTIVATION_ADMIN_SERVER"] = f"http://127.0.0.1:{number}"
    yield number
    del os.environ["ACTIVATION_ADMIN_SERVER"]


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
def test_every_command_of_the_section_does_what_is_shown(page: str, folder: Path, port: str) -> None:
    """The first one runs on, the others follow one another; each ends well and says what the page says it does."""
    serve, *others = [Command(c.text.replace(PORT, port), c.shown) for c in commands(page)]
    with subprocess.Popen(
        serve.text.split(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder
    ) as server:
        try:
            assert started(server).strip() == serve.shown[0].replace(PORT, port)
            for command in others:
                done = subprocess.run(
                    ["bash", "-o", "pipefail", "-c", command.text],
                    capture_output=True,
                    text=True,
                    cwd=folder,
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
