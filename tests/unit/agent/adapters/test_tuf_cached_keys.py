"""Verdict keys without a network: read from stored metadata with the same rules."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import copytree

import pytest
from tuf.api.exceptions import DownloadHTTPError

from agent.adapters.tuf_cache import FILE, AcceptedFiles, CacheFetcher
from agent.adapters.tuf_errors import TufFault
from agent.adapters.tuf_keys import TufKeys
from agent.ports import Answer, KeySourceError, TransportError, TransportFault
from agent.verification.bounds import TimestampBounds
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.clock import START, World
from server_stub.key_repository import KeyRepository
from server_stub.store.sql import SqlStore
from wire import media
from wire.key_repository import METADATA_PATH, TARGETS_PATH

MANUFACTURER = Manufacturer("keys at hand")
KEYS = MANUFACTURER.secrets.signing_keys


@dataclass
class Network:
    """`agent.ports.Downloads` over a repository that is called directly. Counts the requests."""

    repository: KeyRepository
    asked: list[str] = field(default_factory=list)
    left: int | None = None
    """How many requests are still answered; None for all."""

    def get(self, path: str, *, accept: str) -> Answer:
        self.asked.append(path)
        if self.left is not None:
            if self.left == 0:
                raise TransportError(TransportFault.UNREACHABLE, "no network")
            self.left -= 1
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
def phone(tmp_path: Path) -> Phone:
    repository = MANUFACTURER.ceremony.open(SqlStore(), KEYS, World().now)
    network = Network(repository)
    return Phone(
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


METADATA = ["timestamp.json", "snapshot.json", "targets.json", "verdict-keys.json"]
TARGET = "the target"


@dataclass
class StoredFiles:
    """The files that a phone accepted last, or those that an earlier release stored one by one."""

    folder: Path
    accepted: bool

    def change(self, name: str, change: Callable[[bytes], bytes | None]) -> None:
        files = AcceptedFiles.read(self.folder)
        before = files.target if name == TARGET else files.metadata[name]
        assert before is not None
        after = change(before)
        assert after != before
        if self.accepted:
            kept = {n: after if n == name else content for n, content in files.metadata.items()}
            metadata = {n: content for n, content in kept.items() if content is not None}
            target = after if name == TARGET else files.target
            AcceptedFiles.model_construct(metadata=metadata, target=target).write(self.folder)
            return
        (self.folder / FILE).unlink()
        path = self.folder / ("targets/verdict-keys.json" if name == TARGET else f"metadata/{name}")
        path.unlink() if after is None else path.write_bytes(after)


@pytest.fixture(params=[True, False], ids=["accepted", "earlier release"])
def stored(request: pytest.FixtureRequest, phone: Phone) -> StoredFiles:
    phone.source.keys(TimestampBounds(START))
    return StoredFiles(phone.folder, request.param)


@pytest.mark.parametrize("name", [*METADATA, TARGET])
def test_each_stored_file_is_required(phone: Phone, stored: StoredFiles, name: str) -> None:
    stored.change(name, lambda _: None)
    assert phone.code() is TufFault.MISSING


@pytest.mark.parametrize("name", [*METADATA, TARGET])
def test_stored_file_without_valid_signature_gives_no_keys(
    phone: Phone, stored: StoredFiles, name: str
) -> None:
    stored.change(name, lambda content: content.replace(b"2", b"3"))
    assert phone.code() in {TufFault.UNSIGNED, TufFault.MISMATCH}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff" * 10])
def test_accepted_file_that_cannot_be_read_is_replaced_by_those_of_the_client(
    phone: Phone, content: bytes
) -> None:
    fetched = phone.source.keys(TimestampBounds(START)).keys
    (phone.folder / FILE).write_bytes(content)
    assert phone.source.cached_keys() == fetched


def test_cached_keys_need_no_writable_folder(phone: Phone) -> None:
    fetched = phone.source.keys(TimestampBounds(START)).keys
    before = {path: path.stat().st_mtime_ns for path in phone.folder.rglob("*")}
    assert phone.source.cached_keys() == fetched
    assert {path: path.stat().st_mtime_ns for path in phone.folder.rglob("*")} == before


@pytest.mark.parametrize("root", [False, True], ids=["new keys", "new root"])
def test_refresh_that_ends_anywhere_leaves_the_keys_of_before(phone: Phone, *, root: bool) -> None:
    """A code is then verified with the keys of the last complete refresh."""
    fetched = phone.source.keys(TimestampBounds(START)).keys
    repository, ceremony = phone.network.repository, MANUFACTURER.ceremony
    if root:
        repository.install_root(ceremony.replacement(repository.root()))
    repository.revoke(KEYS[0].kid)
    for requests in range(5 if root else 4):
        phone.network.left = requests
        source = replace(phone.source, folder=copytree(phone.folder, phone.folder.with_name(str(requests))))
        with pytest.raises(KeySourceError, match=TufFault.UNREACHABLE):
            source.keys(TimestampBounds(START))
        assert source.cached_keys() == fetched
    phone.network.left = None
    assert source.keys(TimestampBounds(START)).keys.revoked == {KEYS[0].kid}
    assert source.cached_keys().revoked == {KEYS[0].kid}


@pytest.mark.parametrize("name", ["../secret.json", "/etc/passwd.json", "2.root.json", "timestamp", ""])
@pytest.mark.parametrize("prefix", [METADATA_PATH, TARGETS_PATH, ""])
def test_anything_else_gives_status_404(prefix: str, name: str) -> None:
    """python-tuf ends its search for new roots only at a 404."""
    files = AcceptedFiles(metadata={}, target=None)
    with pytest.raises(DownloadHTTPError) as caught:
        CacheFetcher(files).fetch(prefix + name)
    assert caught.value.status_code == 404


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("timestamp.json", "timestamp.json"),
        ("7.snapshot.json", "snapshot.json"),
        ("12.verdict-keys.json", "verdict-keys.json"),
        ("3.root.json", "3.root.json"),
        ("10.root.json", "10.root.json"),
    ],
)
def test_roots_are_found_by_version_and_other_metadata_by_role(asked: str, kept: str) -> None:
    files = AcceptedFiles.model_construct(metadata={kept: b"the one"}, target=None)
    assert b"".join(CacheFetcher(files).fetch(METADATA_PATH + asked)) == b"the one"
