"""The state file on a real disk has the old content or the new one, and no other."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.adapters.sealed_file import SealedFile
from agent.ports import StoreError

WRITER = """
import sys
from pathlib import Path
from agent.adapters.sealed_file import SealedFile
file, number = SealedFile(Path(sys.argv[1])), 0
while True:
    number += 1
    file.write(f"{number:08}".encode() * 500)
    print(number, flush=True)
"""


def test_written_content_is_read(tmp_path: Path) -> None:
    file = SealedFile(tmp_path / "state")
    assert file.read() is None
    file.write(b"first, and longer")
    file.write(b"second")
    assert file.read() == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_file_is_readable_only_by_its_owner(tmp_path: Path, umask: int) -> None:
    """Whatever the umask, and whatever the mode of the file that it replaces."""
    (tmp_path / "state").write_bytes(b"old")
    (tmp_path / "state").chmod(0o666)
    before = os.umask(umask)
    try:
        SealedFile(tmp_path / "state").write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o600


@pytest.mark.parametrize("link", ["state", "state.next"])
def test_symbolic_link_is_not_written_through(tmp_path: Path, link: str) -> None:
    (tmp_path / "other").write_bytes(b"another's")
    (tmp_path / link).symlink_to(tmp_path / "other")
    SealedFile(tmp_path / "state").write(b"mine")
    assert (tmp_path / "other").read_bytes() == b"another's"
    assert not (tmp_path / "state").is_symlink()
    assert SealedFile(tmp_path / "state").read() == b"mine"


def test_incomplete_new_file_is_ignored(tmp_path: Path) -> None:
    """As after a power cut before the rename."""
    file = SealedFile(tmp_path / "state")
    file.write(b"whole")
    (tmp_path / "state.next").write_bytes(b"ha")
    assert file.read() == b"whole"
    file.write(b"new")
    assert file.read() == b"new"


@pytest.mark.sample(5)
@pytest.mark.parametrize("round_", range(5))
def test_kill_at_any_time_leaves_a_complete_file_that_is_not_outdated(tmp_path: Path, round_: int) -> None:
    """A real process and a real SIGKILL."""
    path = tmp_path / "state"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.02 + round_ * 0.013)
        writer.send_signal(signal.SIGKILL)
        acknowledged = writer.stdout.read().split()
    content = SealedFile(path).read()
    assert content is not None
    assert len(content) == 4000
    assert content == content[:8] * 500
    assert int(content[:8]) >= int(acknowledged[-1] if acknowledged else 1)


def test_missing_folder_raises_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        SealedFile(tmp_path / "gone" / "state").write(b"x")
    assert caught.value.code == "store-unwritable"


def test_unreadable_file_raises_store_error(tmp_path: Path) -> None:
    """A folder in place of the file."""
    (tmp_path / "state").mkdir()
    with pytest.raises(StoreError) as caught:
        SealedFile(tmp_path / "state").read()
    assert caught.value.code == "store-unreadable"


def test_full_disk_raises_store_error_and_keeps_the_old_content(tmp_path: Path) -> None:
    """A limit on the file size simulates the full disk."""
    path = tmp_path / "state"
    SealedFile(path).write(b"old")
    script = (
        "import resource, signal, sys; from pathlib import Path;"
        "from agent.adapters.sealed_file import SealedFile; from agent.ports import StoreError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: SealedFile(Path(sys.argv[1])).write(bytes(1000))\n"
        "except StoreError as error: print(error.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "store-unwritable"
    assert SealedFile(path).read() == b"old"
