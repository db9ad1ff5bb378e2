"""The server that clients for Node.js are tried with."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The origin of a server process with a test clock, whose files in `tmp_path` begin with `records`.

    Rates count by the real clock, in which a week of the test clock takes two minutes.
    """
    activation = str(Path(sys.executable).with_name("activation"))
    command = [activation, "serve", "--lab", "--port", "0", "--db", str(tmp_path / "records.sqlite")]
    command += [f"--rate-{name}=off" for name in ("admin", "per-address", "per-device", "unattested")]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found
            yield found[0]
        finally:
            process.terminate()
