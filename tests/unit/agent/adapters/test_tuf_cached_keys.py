"""Verdict keys without a network: from what the phone has kept, by the same rules, and never from anything else."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadHTTPError

from agent.adapters.tuf_cache import CacheFetcher
from agent.adapters.tuf_errors import TufFault
from agent.adapters.tuf_keys import TufKeys
from agent.ports import Answer, KeySourceError
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.clock import START, World
from server_stub.key_repository import KeyRepository
from wire import media
from wire.key_repository import METADATA_PATH, TARGETS_PATH

VENDOR = Manufacturer("keys at hand")
KEYS = VENDOR.secrets.signing_keys


@dataclass
class Network:
    """`agent.ports.Downloads` over a repository that is called directly; counts what it is asked for."""

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
    with VENDOR.ceremony.open(tmp_path / "server", KEYS, World().now) as repository:
        network = Network(repository)
        yield Phone(
            network, tmp_path / "phone", TufKeys(VENDOR.ceremony.pinned_root, tmp_path / "phone", network)
        )


def test_what_was_fetched_is_at_hand_without_a_request(phone: Phone) -> None:
    """An unlock code is typed where there is no network."""
    fetched = phone.source.keys(START)
    phone.network.asked.clear()
    assert phone.source.cached_keys() == fetched
    assert phone.network.asked == []


def test_a_phone_that_never_fetched_has_nothing_at_hand(phone: Phone) -> None:
    """There is no list of keys but the one that the repository has signed."""
    assert phone.code() is TufFault.MISSING


def test_a_revocation_that_was_seen_holds_without_a_network(phone: Phone) -> None:
    """Pulling out the cable must not give a stolen key back."""
    phone.source.keys(START)
    phone.network.repository.revoke(KEYS[0].kid)
    phone.source.keys(START)
    assert phone.source.cached_keys().revoked == {KEYS[0].kid}


def test_nothing_at_hand_expires(phone: Phone) -> None:
    """A phone that lay in a drawer for a year can still be unlocked by a code."""
    phone.source.keys(START)
    with pytest.raises(KeySourceError) as caught:
        phone.source.keys(START + 400 * 86_400)
    assert caught.value.code == TufFault.EXPIRED
    assert phone.source.cached_keys().keys


@pytest.mark.parametrize("name", ["timestamp.json", "snapshot.json", "targets.json", "verdict-keys.json"])
def test_each_kept_file_is_needed(phone: Phone, name: str) -> None:
    """A gap is not filled from anywhere."""
    phone.source.keys(START)
    (phone.folder / "metadata" / name).unlink()
    assert phone.code() is TufFault.MISSING


@pytest.mark.parametrize("name", ["timestamp.json", "snapshot.json", "targets.json", "verdict-keys.json"])
def test_a_kept_file_that_nobody_signed_gives_no_keys(phone: Phone, name: str) -> None:
    """Who can write to the flash still holds no key of the repository."""
    phone.source.keys(START)
    kept = phone.folder / "metadata" / name
    kept.write_bytes(
        kept.read_bytes()
        .replace(b'"expires": "2', b'"expires": "3')
        .replace(b'"expires":"2', b'"expires":"3')
    )
    assert phone.code() is (TufFault.UNSIGNED if name == "timestamp.json" else TufFault.MISMATCH)


def test_a_target_that_was_not_kept_is_not_found(phone: Phone) -> None:
    """The list itself must be at hand; the folder of metadata is not searched for it."""
    phone.source.keys(START)
    for kept in (phone.folder / "targets").iterdir():
        kept.unlink()
    assert phone.code() is TufFault.MISSING


@pytest.mark.parametrize(
    "name",
    ["../secret.json", "a/b.json", "/etc/passwd.json", ".json", "secret.txt", "secret.json.txt", "x..json"],
)
def test_only_names_of_metadata_are_read(tmp_path: Path, name: str) -> None:
    """No name leads out of the folder."""
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


def test_a_target_is_no_metadata(tmp_path: Path) -> None:
    """The path of a target does not name a file of metadata, whatever it is called."""
    (tmp_path / "timestamp.json").write_bytes(b"{}")
    with pytest.raises(DownloadHTTPError, match="not metadata"):
        CacheFetcher(tmp_path).fetch(TARGETS_PATH + "timestamp.json")


def test_what_is_not_there_is_missing_as_on_a_server(tmp_path: Path) -> None:
    """python-tuf ends its search for new roots at a 404 and at nothing else."""
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
def test_roots_are_kept_by_version_and_the_others_by_role(tmp_path: Path, asked: str, kept: str) -> None:
    """As python-tuf keeps them."""
    (tmp_path / "root_history").mkdir()
    (tmp_path / kept).write_bytes(b"the one")
    assert b"".join(CacheFetcher(tmp_path).fetch(METADATA_PATH + asked)) == b"the one"
