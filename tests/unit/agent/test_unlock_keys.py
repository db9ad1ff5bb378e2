"""The keys at hand: what a phone without a network verifies a code with, and what it does not take from its flash."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadHTTPError

from agent.adapters.tuf_cache import CacheFetcher
from agent.adapters.tuf_keys import TufKeys
from agent.ports import Answer, KeySourceError
from lab.simulation.simulation import Simulation
from wire import key_repository


class Nowhere:
    """No network, and a note of whoever tries."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get(self, path: str, *, accept: str) -> Answer:
        self.asked.append(path)
        raise AssertionError(path)


@pytest.fixture(scope="module")
def visited() -> Iterator[tuple[bytes, dict[str, bytes], frozenset[str]]]:
    """The pinned root, the folder of a phone that has had its keys, and the names of those keys."""
    with Simulation.open("at hand") as simulation:
        phone = simulation.phone("official-global", "paris")
        phone.power_on()
        phone.walk_setup()
        folder = phone._hardware.folder
        assert folder is not None
        files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        kids = frozenset(key.kid for key in simulation.vendor.secrets.signing_keys)
        yield simulation.vendor.ceremony.pinned_root, files, kids


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_the_keys_at_hand_are_those_that_the_phone_had_and_nobody_is_asked(
    visited: tuple[bytes, dict[str, bytes], frozenset[str]], tmp_path: Path
) -> None:
    """Verified again from the pinned root, without a network."""
    root, files, kids = visited
    nowhere = Nowhere()
    keys = TufKeys(root, lay(tmp_path, files), nowhere).cached_keys()
    assert {key.kid for key in keys.keys} == kids
    assert nowhere.asked == []


@pytest.mark.parametrize("name", ["timestamp.json", "snapshot.json", "targets.json", "verdict-keys.json"])
def test_metadata_that_was_changed_on_flash_is_not_believed(
    visited: tuple[bytes, dict[str, bytes], frozenset[str]], tmp_path: Path, name: str
) -> None:
    """Every signature is checked again; the file on flash has no more standing than one from the network."""
    root, files, _ = visited
    path = f"metadata/{name}"
    changed = files[path].replace(b'"version": 1', b'"version": 7').replace(b'"version":1', b'"version":7')
    assert changed != files[path]
    with pytest.raises(KeySourceError):
        TufKeys(root, lay(tmp_path, files | {path: changed}), Nowhere()).cached_keys()


def test_a_key_list_that_was_changed_on_flash_is_not_believed(
    visited: tuple[bytes, dict[str, bytes], frozenset[str]], tmp_path: Path
) -> None:
    """Signed metadata has its hash."""
    root, files, _ = visited
    (path,) = (name for name in files if name.startswith("targets/"))
    with pytest.raises(KeySourceError):
        TufKeys(root, lay(tmp_path, files | {path: files[path] + b" "}), Nowhere()).cached_keys()


def test_a_phone_that_never_had_keys_has_none_at_hand(
    visited: tuple[bytes, dict[str, bytes], frozenset[str]], tmp_path: Path
) -> None:
    """The pinned root names no verdict key."""
    with pytest.raises(KeySourceError):
        TufKeys(visited[0], tmp_path, Nowhere()).cached_keys()


@pytest.mark.parametrize(
    "name",
    ["../secret.json", "/etc/hostname", "a/b.json", "%2e%2e.json", "timestamp", "1.root.json/../x.json", ""],
)
@pytest.mark.parametrize("prefix", [key_repository.METADATA_PATH, key_repository.TARGETS_PATH, ""])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str, prefix: str) -> None:
    """Names come from metadata, and metadata from whoever holds a key."""
    (tmp_path / "secret.json").write_bytes(b"secret")
    (tmp_path / "metadata").mkdir()
    with pytest.raises(DownloadHTTPError):
        CacheFetcher(tmp_path / "metadata")._fetch(prefix + name)
