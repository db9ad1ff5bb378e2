"""What bounds the key source: how much it reads, how far it goes, what it says of a failure, and when time ends."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadError, SlowRetrievalError
from tuf.api.metadata import TargetFile
from tuf.ngclient import Updater

from agent.adapters import tuf_keys
from agent.adapters.tuf_errors import NoResponseError, TufFault, tuf_errors
from agent.adapters.tuf_fetcher import PortFetcher
from agent.adapters.tuf_keys import BEGINNING, LATEST, TufKeys
from agent.ports import Answer, KeySourceError
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.clock import START, World
from server_stub.key_repository import KeyRepository
from wire import key_repository, media
from wire.key_repository import METADATA_PATH, TARGET

VENDOR = Manufacturer("bounds of the key source")
KEYS = VENDOR.secrets.signing_keys


class Published:
    """`agent.ports.Downloads` over a repository."""

    def __init__(self, repository: KeyRepository) -> None:
        self.repository = repository

    def get(self, path: str, *, accept: str) -> Answer:
        read = self.repository.metadata if path.startswith(METADATA_PATH) else self.repository.target
        content = read(path.rsplit("/", 1)[-1])
        return Answer(404, media.PROBLEM, b"{}") if content is None else Answer(200, media.JSON, content)


def updater(folder: Path, repository: KeyRepository) -> tuf_keys.TrustedTimeUpdater:
    source = TufKeys(VENDOR.ceremony.pinned_root, folder / "phone", Published(repository))
    return source._updater(PortFetcher(source.downloads), START)


def test_the_client_is_held_to_the_bounds_of_the_contract(tmp_path: Path) -> None:
    """What python-tuf allows of itself is several times more, and a phone reads it all into memory."""
    with VENDOR.ceremony.open(tmp_path / "server", KEYS, World().now) as repository:
        config = updater(tmp_path, repository).config
    assert config.max_root_rotations == key_repository.ROOT_ROTATIONS_MAX == 64
    assert config.max_delegations == 1
    assert config.root_max_length == key_repository.ROOT_MAX
    assert config.timestamp_max_length == key_repository.TIMESTAMP_MAX
    assert config.snapshot_max_length == key_repository.SNAPSHOT_MAX
    assert config.targets_max_length == key_repository.TARGETS_MAX


def test_time_begins_before_any_metadata_and_ends_with_the_calendar() -> None:
    """The two times that no phone reaches are exact: one second more and the calendar would refuse it."""
    assert BEGINNING == 0
    assert datetime.fromtimestamp(LATEST, UTC) == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_the_octets_of_the_target_are_checked_again_in_memory() -> None:
    """Between the client's own check of the file and the reading of it, the file could have been changed."""
    info = TargetFile.from_data(TARGET, b"good", ["sha256"])
    with pytest.raises(KeySourceError) as caught, tuf_errors():
        tuf_keys._verified(b"evil", info)
    assert caught.value.code == TufFault.MISMATCH
    assert tuf_keys._verified(b"good", info) == b"good"


def test_a_target_changed_on_the_way_from_the_disk_is_no_key_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole path from the network to the key set goes through that check."""
    with VENDOR.ceremony.open(tmp_path / "server", KEYS, World().now) as repository:
        source = TufKeys(VENDOR.ceremony.pinned_root, tmp_path / "phone", Published(repository))
        assert source.keys(START).keys
        changed = tmp_path / "changed"
        changed.write_bytes(b'{"keys":[]}')
        monkeypatch.setattr(Updater, "find_cached_target", lambda *_: str(changed))
        with pytest.raises(KeySourceError) as caught:
            source.keys(START)
    assert caught.value.code == TufFault.MISMATCH


@pytest.mark.parametrize("kind", [DownloadError, SlowRetrievalError, NoResponseError])
def test_a_download_that_fails_in_any_other_way_is_a_matter_of_the_network(
    kind: type[DownloadError],
) -> None:
    """It is no word about the keys, so the user is told to look for a network."""
    with pytest.raises(KeySourceError) as caught, tuf_errors():
        raise kind("planted")
    assert caught.value.code == TufFault.UNREACHABLE
    assert "planted" not in str(caught.value)
