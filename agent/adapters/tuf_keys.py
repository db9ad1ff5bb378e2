"""Verdict keys from a TUF repository: from the root that the image pins to a `KeySet`, with the client of python-tuf.

Each call runs the whole client workflow of the TUF specification (section 5) from the pinned root: new roots,
timestamp, snapshot, targets, the delegated role, and the target. Received metadata is stored as the floor of versions
and verified like metadata from the network. If the refresh fails, the keys are not used: an exchange needs the network
anyway, and otherwise an attacker could keep old keys in use by blocking the repository.

The client verifies signatures, versions and hashes, with its time set to 0, so that nothing has expired for it. Only
then does the timestamp move the bounds of the time (`agent.verification.bounds`), and the expiry of every role, that
of the newest root included, is compared with their floor. The device keeps the bounds with the verdict of the exchange:
nothing of a refresh that is refused, or that leads to no verdict, moves its time.

`cached_keys` needs no network and is for unlock codes: the same workflow from the same root, with the files of the last
accepted refresh as the repository (`tuf_cache`), and without the comparison of expiry. It writes nothing, so it works
on a full disk. An attacker who can write to the folder can restore an older list. This helps only with a key that was
revoked since: it allows a code that unlocks this device until its next check-in. Metadata without valid signatures is
rejected, and no code can lock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tuf.api.exceptions import BadVersionNumberError, ExpiredMetadataError, RepositoryError
from tuf.api.metadata import Signed, TargetFile, Timestamp
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from agent.adapters.tuf_cache import AcceptedFiles, CacheFetcher
from agent.adapters.tuf_errors import TufFault, key_source_error, tuf_errors
from agent.adapters.tuf_fetcher import PortFetcher
from agent.ports import Downloads, PublishedKeys
from agent.repeats import without_limit
from agent.verification.bounds import TimestampBounds
from agent.verification.keyset import KeySet
from wire import key_repository as repository
from wire import limits

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

BEGINNING: Final = datetime.fromtimestamp(0, UTC)
"""A time at which no metadata has expired."""


@dataclass(frozen=True, slots=True)
class TufKeys:
    """Implements `agent.ports.KeySource`.

    `root` is the pinned `root.json`. `folder` is used only by this device; it is created if necessary.
    """

    root: bytes
    folder: Path
    downloads: Downloads

    def keys(self, known: TimestampBounds, in_time: Callable[[], bool] = without_limit) -> PublishedKeys:
        """The published keys, with downloads that start while `in_time` is true.

        Raises KeySourceError with a code of TufFault.
        """
        with tuf_errors():
            updater = self._updater(PortFetcher(self.downloads, in_time))
            info = _listed(updater)
            bounds = updater.bounds(known)
            updater.check_expiry(bounds.floor)
            path = updater.find_cached_target(info) or updater.download_target(info)
            keys = _usable_keys(Path(path).read_bytes(), info)
            AcceptedFiles.stored_by_client(self.folder).write(self.folder)
            return PublishedKeys(keys, bounds, updater.ceiling)

    def cached_keys(self) -> KeySet:
        """The keys that were received last. Raises KeySourceError with a code of TufFault."""
        with tuf_errors():
            files = AcceptedFiles.read(self.folder)
            info = _listed(self._updater(CacheFetcher(files)))
            if files.target is None:
                raise key_source_error(TufFault.MISSING, "the verdict keys are not cached")
            return _usable_keys(files.target, info)

    def _updater(self, fetcher: FetcherInterface) -> "TimelessUpdater":
        client, metadata = TimelessUpdater, "metadata"
        if isinstance(fetcher, CacheFetcher):
            client, metadata = CachedUpdater, "nothing"
        return client(
            str(self.folder / metadata),
            repository.METADATA_PATH,
            str(self.folder / "targets"),
            repository.TARGETS_PATH,
            fetcher=fetcher,
            config=_CONFIG,
            bootstrap=self.root,
        )


def _listed(updater: Updater) -> TargetFile:
    """Length and hashes of the target, by metadata whose signatures, versions and hashes are verified."""
    info = updater.get_targetinfo(repository.TARGET)
    if info is None:
        raise key_source_error(TufFault.TARGET_MISSING, f"the repository does not list {repository.TARGET}")
    return info


def _usable_keys(target: bytes, info: TargetFile) -> KeySet:
    """The keys in the target, verified after reading."""
    info.verify_length_and_hashes(target)
    keys = KeySet.from_jwks(target)
    if not keys.keys:
        raise key_source_error(TufFault.NO_USABLE_KEY, "no listed key can verify verdicts")
    return keys


class TimelessUpdater(Updater):
    """The client of python-tuf for which nothing expires, and what the roles that it has loaded say of the time.

    The client reads the clock of the machine once, in its constructor, and compares expiry with it. It has no parameter
    for the time, so this class sets the attribute. The constructor itself checks no expiry.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._trusted_set.reference_time = BEGINNING

    @property
    def ceiling(self) -> int:
        """The latest time of a verdict, in seconds since the epoch."""
        return _seconds(self._trusted_set.timestamp) + limits.SKEW

    def bounds(self, known: TimestampBounds) -> TimestampBounds:
        """The bounds after `known` and the loaded timestamp.

        Raises RepositoryError for a malformed clock number, BadVersionNumberError for an older one or an older root.
        """
        root, timestamp = self._trusted_set.root, self._trusted_set.timestamp
        clock = timestamp.unrecognized_fields.get(repository.CLOCK, 0)
        if type(clock) is not int or not 0 <= clock <= limits.INTEGER_MAX:
            raise RepositoryError("the clock number of the timestamp is not an integer in range")
        floor = _seconds(timestamp) - limits.TIMESTAMP_LIFETIME
        shown = TimestampBounds(floor, clock, root.version, tuple(root.roles[Timestamp.type].keyids))
        if shown.rolls_back(known):
            raise BadVersionNumberError("the clock number or the root is older than the one before")
        return shown.after(known)

    def check_expiry(self, floor: int) -> None:
        """Raise ExpiredMetadataError if a loaded role has expired at `floor`."""
        at = datetime.fromtimestamp(min(floor, LATEST), UTC)
        if any(role.is_expired(at) for role in self._trusted_set):
            raise ExpiredMetadataError("a role has expired")


class CachedUpdater(TimelessUpdater):
    """The same client for a folder that does not exist: it reads everything from the fetcher and writes nothing."""

    def _persist_metadata(self, rolename: str, data: bytes) -> None:
        """Write nothing."""

    def _persist_root(self, version: int, data: bytes) -> None:
        """Write nothing."""

    def _update_root_symlink(self) -> None:
        """Write nothing."""


def _seconds(role: Signed) -> int:
    """The expiry of `role` in seconds since the epoch."""
    return int(role.expires.timestamp())
