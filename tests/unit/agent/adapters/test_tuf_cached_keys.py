"""Verdict keys without a network: read from stored metadata with the same rules."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadHTTPError

from agent.adapters.tuf_cache import CacheFetcher
from agent.adapters.tuf_errors import TufFault
from agent.adapters.tuf_keys import TufKeys
from agent.ports import Answer, KeySourceError
from agent.verification.bounds import TimestampBounds
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.clock import START, World
from server_stub.key_repository import KeyRepository
from wire import media
from wire.key_repository import METADATA_PATH, TARGETS_PATH

MANUFACTURER = Manufacturer("keys at hand")
KEYS = MANUFACTURER.secrets.signing_keys


@dataclass
class Network:
    """`agent.ports.Downloads` over a repository that is called directly. Counts the requests."""

    repository: KeyRepository
    asked: list[str] = field(default_factory=list)

    def get(self, path: str, *, accept: str) -> Answer:
        self.asked.append(path)
        read = self.repository.metadata if path.startswith(METADATA_PATH) else self.repository.target
        content = read(path.rsplit("/", 1)[-1])
        return Answer(404, media.PROBLEM, b"{}") if content is None else Answer(200, media.JSON, content)


@dataclass
class Phone:
    network: Network
    folder: Path
    source: TufKeys

    def code(self) -> TufFault:
        with pytest.raises(KeySourceError) as caught:
            self.source.cached_keys()
        return TufFault(caught.value.code)


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    with MANUFACTURER.ceremony.open(tmp_path / "server", KEYS, World().now) as repository:
        network = Network(repository)
        yield Phone(
            network,
            tmp_path / "phone",
            TufKeys(MANUFACTURER.ceremony.pinned_root, tmp_path / "phone", network),
        )


def test_fetched_keys_are_available_without_a_request(phone: Phone) -> None:
    fetched = phone.source.keys(TimestampBounds(START)).keys
    phone.network.asked.clear()
    assert phone.source.cached_keys() == fetched
    assert phone.network.asked == []


def test_device_that_never_fetched_has_no_cached_keys(phone: Phone) -> None:
    assert phone.code() is TufFault.MISSING


def test_received_revocation_applies_without_a_network(phone: Phone) -> None:
    phone.source.keys(TimestampBounds(START))
    phone.network.repository.revoke(KEYS[0].kid)
    phone.source.keys(TimestampBounds(START))
    assert phone.source.cached_keys().revoked == {KEYS[0].kid}


def test_cached_keys_do_not_expire(phone: Phone) -> None:
    phone.source.keys(TimestampBounds(START))
    with pytest.raises(KeySourceError) as caught:
        phone.source.keys(TimestampBounds(START + 400 * 86_400))
    assert caught.value.code == TufFault.EXPIRED
    assert phone.source.cached_keys().keys


@pytest.mark.parametrize("name", ["timestamp.json", "snapshot.json", "targets.json", "verdict-keys.json"])
def test_each_stored_file_is_required(phone: Phone, name: str) -> None:
    phone.source.keys(TimestampBounds(START))
    (phone.folder / "metadata" / name).unlink()
    assert phone.code() is TufFault.MISSING


@pytest.mark.parametrize("name", ["timestamp.json", "snapshot.json", "targets.json", "verdict-keys.json"])
def test_stored_file_without_valid_signature_gives_no_keys(phone: Phone, name: str) -> None:
    phone.source.keys(TimestampBounds(START))
    kept = phone.folder / "metadata" / name
    kept.write_bytes(
        kept.read_bytes()
        .replace(b'"expires": "2', b'"expires": "3')
        .replace(b'"expires":"2', b'"expires":"3')
    )
    assert phone.code() is (TufFault.UNSIGNED if name == "timestamp.json" else TufFault.MISMATCH)


def test_target_that_is_not_stored_is_not_found(phone: Phone) -> None:
    phone.source.keys(TimestampBounds(START))
    for kept in (phone.folder / "targets").iterdir():
        kept.unlink()
    assert phone.code() is TufFault.MISSING


@pytest.mark.parametrize(
    "name",
    ["../secret.json", "a/b.json", "/etc/passwd.json", ".json", "secret.txt", "secret.json.txt", "x..json"],
)
def test_only_names_of_metadata_are_read(tmp_path: Path, name: str) -> None:
    """No name can refer to a file outside the folder."""
    folder = tmp_path / "metadata"
    (folder / "a").mkdir(parents=True)
    for where in (
        tmp_path / "secret.json",
        folder / "a" / "b.json",
        folder / "secret.txt",
        folder / "x..json",
    ):
        where.write_bytes(b"{}")
    with pytest.raises(DownloadHTTPError) as caught:
        CacheFetcher(folder).fetch(METADATA_PATH + name)
    assert caught.value.status_code == 404
    assert str(caught.value) == "not metadata"


def test_path_of_a_target_is_not_metadata(tmp_path: Path) -> None:
    (tmp_path / "timestamp.json").write_bytes(b"{}")
    with pytest.raises(DownloadHTTPError, match="not metadata"):
        CacheFetcher(tmp_path).fetch(TARGETS_PATH + "timestamp.json")


def test_file_that_is_not_stored_gives_status_404(tmp_path: Path) -> None:
    """python-tuf ends its search for new roots only at a 404."""
    with pytest.raises(DownloadHTTPError) as caught:
        CacheFetcher(tmp_path).fetch(METADATA_PATH + "2.root.json")
    assert (caught.value.status_code, str(caught.value)) == (404, "2.root.json is not cached")


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("timestamp.json", "timestamp.json"),
        ("7.snapshot.json", "snapshot.json"),
        ("12.verdict-keys.json", "verdict-keys.json"),
        ("3.root.json", "root_history/3.root.json"),
        ("10.root.json", "root_history/10.root.json"),
    ],
)
def test_roots_are_stored_by_version_and_other_metadata_by_role(
    tmp_path: Path, asked: str, kept: str
) -> None:
    (tmp_path / "root_history").mkdir()
    (tmp_path / kept).write_bytes(b"the one")
    assert b"".join(CacheFetcher(tmp_path).fetch(METADATA_PATH + asked)) == b"the one"
