"""The cached keys: how a device without a network verifies a code, and which changes of its storage are rejected."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadHTTPError

from agent.adapters.tuf_cache import CacheFetcher
from agent.adapters.tuf_keys import TufKeys
from agent.ports import Answer, KeySourceError
from lab.backend.hosts import InProcessHost
from lab.simulation.simulation import Simulation
from wire import key_repository


class NoNetwork:
    """No network. Records requests."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get(self, path: str, *, accept: str) -> Answer:
        self.asked.append(path)
        raise AssertionError(path)


@pytest.fixture(scope="module")
def cached() -> Iterator[tuple[bytes, dict[str, bytes], frozenset[str]]]:
    """The pinned root, the folder of a device that has received its keys, and the names of those keys."""
    with Simulation.open("at hand", host=InProcessHost) as simulation:
        phone = simulation.phone("official-global", "paris")
        phone.power_on()
        phone.walk_setup()
        folder = phone.hardware.folder
        assert folder is not None
        files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        kids = frozenset(key.kid for key in simulation.manufacturer.secrets.signing_keys)
        yield simulation.manufacturer.ceremony.pinned_root, files, kids


def prepare(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_cached_keys_are_the_received_ones_without_a_request(
    cached: tuple[bytes, dict[str, bytes], frozenset[str]], tmp_path: Path
) -> None:
    root, files, kids = cached
    nowhere = NoNetwork()
    keys = TufKeys(root, prepare(tmp_path, files), nowhere).cached_keys()
    assert {key.kid for key in keys.keys} == kids
    assert nowhere.asked == []


@pytest.mark.parametrize("name", ["timestamp.json", "snapshot.json", "targets.json", "verdict-keys.json"])
def test_changed_stored_metadata_is_rejected(
    cached: tuple[bytes, dict[str, bytes], frozenset[str]], tmp_path: Path, name: str
) -> None:
    root, files, _ = cached
    path = f"metadata/{name}"
    changed = files[path].replace(b'"version": 1', b'"version": 7').replace(b'"version":1', b'"version":7')
    assert changed != files[path]
    with pytest.raises(KeySourceError):
        TufKeys(root, prepare(tmp_path, files | {path: changed}), NoNetwork()).cached_keys()


def test_changed_stored_key_list_is_rejected(
    cached: tuple[bytes, dict[str, bytes], frozenset[str]], tmp_path: Path
) -> None:
    root, files, _ = cached
    (path,) = (name for name in files if name.startswith("targets/"))
    with pytest.raises(KeySourceError):
        TufKeys(root, prepare(tmp_path, files | {path: files[path] + b" "}), NoNetwork()).cached_keys()


def test_device_that_never_received_keys_has_none(
    cached: tuple[bytes, dict[str, bytes], frozenset[str]], tmp_path: Path
) -> None:
    with pytest.raises(KeySourceError):
        TufKeys(cached[0], tmp_path, NoNetwork()).cached_keys()


@pytest.mark.parametrize(
    "name",
    ["../secret.json", "/etc/hostname", "a/b.json", "%2e%2e.json", "timestamp", "1.root.json/../x.json", ""],
)
@pytest.mark.parametrize("prefix", [key_repository.METADATA_PATH, key_repository.TARGETS_PATH, ""])
def test_name_cannot_refer_to_a_file_outside_the_folder(tmp_path: Path, name: str, prefix: str) -> None:
    """Names are from metadata."""
    (tmp_path / "secret.json").write_bytes(b"secret")
    (tmp_path / "metadata").mkdir()
    with pytest.raises(DownloadHTTPError):
        CacheFetcher(tmp_path / "metadata")._fetch(prefix + name)
