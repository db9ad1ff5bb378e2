"""`activation serve` and its key repository in separate processes."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ACTIVATION = str(Path(sys.executable).with_name("activation"))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The origin of a server that is killed at the end."""
    command = [ACTIVATION, "serve", "--port", "0", "--db", str(folder / "records.sqlite")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        try:
            assert found is not None
            yield found[0]
        finally:
            server.kill()


def device(origin: str, *more: str) -> Any:
    """The result of a separately started device that pins the root of its seed."""
    command = [
        ACTIVATION,
        "device",
        "--profile",
        "official-global",
        "--place",
        "havana",
        "--server",
        origin,
        "--json",
    ]
    return json.loads(
        subprocess.run([*command, *more], capture_output=True, text=True, check=True, timeout=60).stdout
    )


@pytest.mark.slow
def test_killed_server_reopens_its_repository_and_devices_of_its_seed_accept_it(tmp_path: Path) -> None:
    with serving(tmp_path) as origin:
        assert device(origin)["outcome"] == "locked"
        stranger = device(origin, "--seed", "another")
        codes = [entry["detail"].get("code") for entry in stranger["timeline"] if entry["what"] == "failed"]
        assert (stranger["outcome"], codes) == ("pending", ["tuf-unsigned"])
    first = (tmp_path / "records-keys" / "metadata" / "1.root.json").read_bytes()
    with serving(tmp_path) as origin:
        assert device(origin)["outcome"] == "locked"
    assert (tmp_path / "records-keys" / "metadata" / "1.root.json").read_bytes() == first
    refused = subprocess.run(
        [ACTIVATION, "serve", "--port", "0", "--db", str(tmp_path / "records.sqlite"), "--seed", "another"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 3
    assert "root-foreign" in refused.stderr
    assert "--keys" in refused.stderr
