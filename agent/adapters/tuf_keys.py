"""Verdict keys from a TUF repository: from the root that the image pins to a `KeySet`, with the client of python-tuf.

Each call runs the whole client workflow of the TUF specification (section 5) from the pinned root: new roots,
timestamp, snapshot, targets, the delegated role, and the target. Received metadata is stored as the floor of versions
and verified like metadata from the network. If the refresh fails, the keys are not used: an exchange needs the network
anyway, and otherwise an attacker could keep old keys in use by blocking the repository.

Expiry is compared with trusted time, which is never ahead of the real time and which the user cannot set.

`cached_keys` needs no network and is for unlock codes: the same workflow from the same root, with the stored files as
the repository, and with the time set to 0, so that nothing has expired. An attacker who can write to the folder can
restore an older list. This helps only with a key that was revoked since: it allows a code that unlocks this device
until its next check-in. Metadata without valid signatures is rejected, and no code can lock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tuf.api.metadata import TargetFile
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from agent.adapters.tuf_cache import CacheFetcher
from agent.adapters.tuf_errors import TufFault, key_source_error, tuf_errors
from agent.adapters.tuf_fetcher import PortFetcher
from agent.ports import Downloads
from agent.repeats import without_limit
from agent.verification.keyset import KeySet
from wire import key_repository as repository

_CONFIG: Final = UpdaterConfig(
    max_root_rotations=repository.ROOT_ROTATIONS_MAX,
    max_delegations=1,
    root_max_length=repository.ROOT_MAX,
    timestamp_max_length=repository.TIMESTAMP_MAX,
    snapshot_max_length=repository.SNAPSHOT_MAX,
    targets_max_length=repository.TARGETS_MAX,
)

LATEST: Final = int(datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp())
"""The last second that metadata can contain; later, all metadata has expired."""

BEGINNING: Final = 0
"""A time at which no metadata has expired."""


@dataclass(frozen=True, slots=True)
class TufKeys:
    """Implements `agent.ports.KeySource`.

    `root` is the pinned `root.json`. `folder` is used only by this device; it is created if necessary.
    """

    root: bytes
    folder: Path
    downloads: Downloads

    def keys(self, now: int, in_time: Callable[[], bool] = without_limit) -> KeySet:
        """The published keys at trusted time `now`, with downloads that start while `in_time` is true.

        Raises KeySourceError with a code of TufFault.
        """
        return self._fetch(PortFetcher(self.downloads, in_time), now)

    def cached_keys(self) -> KeySet:
        """The keys that were received last. Raises KeySourceError with a code of TufFault."""
        return self._fetch(CacheFetcher(self.folder / "metadata"), BEGINNING)

    def _fetch(self, fetcher: FetcherInterface, now: int) -> KeySet:
        with tuf_errors():
            keys = KeySet.from_jwks(self._target(self._updater(fetcher, now)))
        if not keys.keys:
            raise key_source_error(TufFault.NO_USABLE_KEY, "no listed key can verify verdicts")
        return keys

    def _updater(self, fetcher: FetcherInterface, now: int) -> "TrustedTimeUpdater":
        return TrustedTimeUpdater(
            str(self.folder / "metadata"),
            repository.METADATA_PATH,
            str(self.folder / "targets"),
            repository.TARGETS_PATH,
            fetcher=fetcher,
            config=_CONFIG,
            bootstrap=self.root,
        ).at(now)

    def _target(self, updater: Updater) -> bytes:
        """The content of the target, verified after reading."""
        info = updater.get_targetinfo(repository.TARGET)
        if info is None:
            raise key_source_error(
                TufFault.TARGET_MISSING, f"the repository does not list {repository.TARGET}"
            )
        path = updater.find_cached_target(info) or updater.download_target(info)
        return _verified(Path(path).read_bytes(), info)


def _verified(content: bytes, info: TargetFile) -> bytes:
    info.verify_length_and_hashes(content)
    return content


class TrustedTimeUpdater(Updater):
    """The client of python-tuf, with another clock.

    The client reads the clock of the machine once, in its constructor, and compares expiry with it. It has no parameter
    for the time, so this class sets the attribute. The constructor itself checks no expiry.
    """

    def at(self, now: int) -> "TrustedTimeUpdater":
        """Set the time for expiry to `now`, seconds since the epoch. Returns this updater."""
        self._trusted_set.reference_time = datetime.fromtimestamp(min(now, LATEST), UTC)
        return self
