"""`activation serve` as a process with its workers, on PostgreSQL."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ACTIVATION = str(Path(sys.executable).with_name("activation"))
TOKEN = "ci." + "x" * 32
PATIENCE = 30


@dataclass(frozen=True)
class Served:
    """A running command. Its log is a file, since a pipe that is full would stop it."""

    process: "subprocess.Popen[str]"
    printed: str
    log: Path

    @property
    def origin(self) -> str:
        found = re.search(r"https?://\S+", self.printed)
        assert found, (self.printed, self.log.read_text())
        return found[0]

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """The lines of the log so far, each of which is JSON; those of an event if it is named."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if event in ("", line["event"])]

    def wait_for(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """The lines of `event`, as soon as there are `count`."""
        until(lambda: len(self.lines(event)) >= count)
        return self.lines(event)

    def workers(self) -> list[int]:
        """The ids of the processes that serve, by age."""
        return children(self.process.pid)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def admin(self, method: str, path: str, body: object = None) -> requests.Response:
        """A request on a new connection, which any process may answer."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return requests.request(method, self.origin + path, json=body, headers=headers, timeout=60)


def until(condition: Any) -> None:
    """Wait until `condition` is true."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "this took too long"
        time.sleep(0.02)


def children(process: int) -> list[int]:
    """The workers of a process, whose command lines have what multiprocessing starts, and not its tracker."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(each) for each in found if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def served(folder: Path, database: str, *words: str, workers: int = 2, **options: Any) -> Iterator[Served]:
    """The command in `folder`, once it has announced its server."""
    (folder / "token").touch(0o600)
    (folder / "token").write_text(TOKEN)
    command = [ACTIVATION, "serve", "--port", "0", "--seed", "tests", "--db", database, *words]
    command += ["--admin-token-file", "token", "--workers", str(workers)]
    for rate in ("per-address", "operations", "admin", "per-device", "unattested"):
        command += [f"--rate-{rate}", "off"]
    log = folder / f"log-{time.monotonic_ns()}"
    with (
        log.open("w") as stream,
        subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=stream, text=True, **options
        ) as process,
    ):
        assert process.stdout
        try:
            yield Served(process, process.stdout.readline(), log)
        finally:
            process.kill()
