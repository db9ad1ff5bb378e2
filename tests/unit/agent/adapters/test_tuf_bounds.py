"""TimestampBounds of the key source: sizes, number of roots, messages of errors, and the first and last time."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadError, SlowRetrievalError
from tuf.ngclient import Updater

from agent.adapters.tuf_errors import NoResponseError, TufFault, tuf_errors
from agent.adapters.tuf_fetcher import PortFetcher
from agent.adapters.tuf_keys import BEGINNING, LATEST, TimelessUpdater, TufKeys
from agent.ports import Answer, KeySourceError
from agent.verification.bounds import TimestampBounds
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.clock import START, World
from server_stub.key_repository import KeyRepository
from server_stub.store.sql import SqlStore
from wire import key_repository, media
from wire.key_repository import METADATA_PATH

MANUFACTURER = Manufacturer("bounds of the key source")
KEYS = MANUFACTURER.secrets.signing_keys


class Published:
    """`agent.ports.Downloads` over a repository."""

    def __init__(self, repository: KeyRepository) -> None:
        self.repository = repository

    def get(self, path: str, *, accept: str) -> Answer:
        read = self.repository.metadata if path.startswith(METADATA_PATH) else self.repository.target
        content = read(path.rsplit("/", 1)[-1])
        return Answer(404, media.PROBLEM, b"{}") if content is None else Answer(200, media.JSON, content)


def updater(folder: Path, repository: KeyRepository) -> TimelessUpdater:
    source = TufKeys(MANUFACTURER.ceremony.pinned_root, folder / "phone", Published(repository))
    return source._updater(PortFetcher(source.downloads))


def test_client_uses_the_limits_of_the_contract(tmp_path: Path) -> None:
    """The defaults of python-tuf are several times larger."""
    repository = MANUFACTURER.ceremony.open(SqlStore(), KEYS, World().now)
    config = updater(tmp_path, repository).config
    assert config.max_root_rotations == key_repository.ROOT_ROTATIONS_MAX == 64
    assert config.max_delegations == 1
    assert config.root_max_length == key_repository.ROOT_MAX
    assert config.timestamp_max_length == key_repository.TIMESTAMP_MAX
    assert config.snapshot_max_length == key_repository.SNAPSHOT_MAX
    assert config.targets_max_length == key_repository.TARGETS_MAX


def test_first_and_last_time_are_exact() -> None:
    """A second later would be outside the calendar."""
    assert BEGINNING.timestamp() == 0
    assert datetime.fromtimestamp(LATEST, UTC) == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_target_that_changes_before_reading_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content is verified again in memory: the file could change between the check by the client and reading."""
    repository = MANUFACTURER.ceremony.open(SqlStore(), KEYS, World().now)
    source = TufKeys(MANUFACTURER.ceremony.pinned_root, tmp_path / "phone", Published(repository))
    assert source.keys(TimestampBounds(START)).keys.keys
    changed = tmp_path / "changed"
    changed.write_bytes(b'{"keys":[]}')
    monkeypatch.setattr(Updater, "find_cached_target", lambda *_: str(changed))
    with pytest.raises(KeySourceError) as caught:
        source.keys(TimestampBounds(START))
    assert caught.value.code == TufFault.MISMATCH


@pytest.mark.parametrize("kind", [DownloadError, SlowRetrievalError, NoResponseError])
def test_other_download_errors_count_as_unreachable(
    kind: type[DownloadError],
) -> None:
    with pytest.raises(KeySourceError) as caught, tuf_errors():
        raise kind("planted")
    assert caught.value.code == TufFault.UNREACHABLE
    assert "planted" not in str(caught.value)
