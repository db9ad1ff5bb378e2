"""A database, a key repository and devices of the previous release with this one, and the way back.

The previous release runs from the history of the repository, with the packages that are installed here.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.stores import KINDS, place_of

ROOT = Path(__file__).parents[2]
PREVIOUS = "c78c7ba0"
MAIN = "from lab.cli.entry import main; main()"


@dataclass(frozen=True)
class Release:
    """The command `activation` of the code in a folder."""

    code: Path
    folder: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-P", "-c", MAIN, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(self.code)}

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def serving(self, database: str) -> Iterator[str]:
        """The origin of a server, which drains at the end."""
        options = ("--port", "0", "--db", database, "--keys", "keys", "--admin-token-file", "token")
        command = self.command("serve", *options)
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as server:
            try:
                assert server.stdout
                yield re.findall(r"listens on (\S+)", server.stdout.readline())[0]
                server.terminate()
                server.communicate(timeout=30)
                assert server.returncode == 0
            finally:
                server.kill()

    def device(self, origin: str) -> tuple[str, set[str]]:
        """The outcome of a phone in a prohibited place, which asks at each start, and the codes of what failed.

        Its storage is kept, with the newest metadata that it has seen.
        """
        options = (
            "--profile",
            "official-global",
            "--place",
            "havana",
            "--server",
            origin,
            "--state",
            "phone",
        )
        result = json.loads(self.run("device", *options, "--json"))
        assert "POST /v1/challenges" in str(result["timeline"])
        failed = {entry["detail"].get("code") for entry in result["timeline"] if entry["what"] == "failed"}
        return result["outcome"], failed

    def admin(self, origin: str, *arguments: str) -> Any:
        """What the admin API answers. A command that writes gets a reason."""
        reads = arguments[1] in ("list", "search")
        options = ("--server", origin, "--token-file", "token", *(() if reads else ("--reason", "a test")))
        return json.loads(self.run("admin", *arguments, *options, "--json"))


@pytest.fixture
def releases(tmp_path: Path) -> tuple[Release, Release]:
    """The previous release and this one, in the same folder."""
    done = subprocess.run(["git", "archive", PREVIOUS], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"the history has no commit {PREVIOUS}: it may be a shallow clone")
    previous, folder = tmp_path / "previous", tmp_path / "server"
    previous.mkdir()
    folder.mkdir()
    (folder / "token").write_text(f"operator.{'t' * 32}", "utf-8")
    (folder / "token").chmod(0o600)
    subprocess.run(["tar", "-x"], cwd=previous, input=done.stdout, check=True)
    return Release(previous, folder), Release(ROOT, folder)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_keys_locks_and_devices_of_the_previous_release_go_on_after_an_upgrade(
    kind: str, tmp_path: Path, releases: tuple[Release, Release]
) -> None:
    previous, present = releases
    with place_of(kind, tmp_path) as database:
        with previous.serving(database) as origin:
            assert previous.device(origin) == ("locked", set())
            [key] = [each["kid"] for each in previous.admin(origin, "keys", "list") if each["signs"]]
            previous.admin(origin, "keys", "rotate", key)
            previous.admin(origin, "keys", "replace-online")
            previous.admin(origin, "keys", "revoke", key)
            [phone] = previous.admin(origin, "devices", "search")
            previous.admin(origin, "devices", "lock", phone["sub"])
            assert previous.device(origin) == ("locked", set())
            keys = previous.admin(origin, "keys", "list")
            [phone] = previous.admin(origin, "devices", "search")
        with present.serving(database) as origin:
            assert present.admin(origin, "keys", "list") == keys
            assert present.admin(origin, "devices", "search", "--overridden") == [phone]
            assert present.device(origin) == ("locked", set())
            assert previous.device(origin) == ("locked", set())
            present.admin(origin, "devices", "unlock", phone["sub"])
            assert present.device(origin) == ("activated", set())


@pytest.mark.slow
def test_devices_go_on_after_a_downgrade_once_the_online_keys_are_replaced(
    tmp_path: Path, releases: tuple[Release, Release]
) -> None:
    """They have seen metadata that the backup does not have."""
    previous, present = releases
    folder = present.folder
    with previous.serving("records.sqlite") as origin:
        assert previous.device(origin) == ("locked", set())
    shutil.copytree(folder, tmp_path / "backup", ignore=shutil.ignore_patterns("phone"))
    with present.serving("records.sqlite") as origin:
        [key] = [each["kid"] for each in present.admin(origin, "keys", "list") if each["signs"]]
        present.admin(origin, "keys", "rotate", key)
        assert present.device(origin) == ("locked", set())
    (folder / "phone").rename(tmp_path / "phone")
    shutil.rmtree(folder)
    (tmp_path / "backup").rename(folder)
    (tmp_path / "phone").rename(folder / "phone")
    with previous.serving("records.sqlite") as origin:
        assert previous.device(origin) == ("locked", {"tuf-rollback"})
        previous.admin(origin, "keys", "replace-online")
        assert previous.device(origin) == ("locked", set())
