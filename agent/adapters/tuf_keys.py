"""Verdict keys from a TUF repository: python-tuf's client, from the root that the image pins to a `KeySet`.

Every call takes the whole client workflow of the TUF specification (section 5) from the pinned root on: follow new
roots, then timestamp, snapshot, targets and the delegated role, then the one target. What was seen before is kept on
the phone, as the floor below which nothing is taken again; it is verified like what comes from the network. A set
that could not be refreshed is not used: an exchange needs the network anyway, and only who keeps the phone from the
repository would gain.

Expiry is judged on trusted time, which is never ahead of the truth and which the user cannot set.

`at_hand` does without a network, for unlock codes: the same workflow from the same root, with the phone's own
folder as the repository, and expiry judged at the beginning of time, so that nothing has expired. Who can write to
the folder can therefore bring back an older list, and gains something only with a key that the vendor has revoked
since: a code that unlocks this one phone until its next check-in. Nothing that was never signed is taken, and no
code can lock.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tuf.api.metadata import TargetFile
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from agent.adapters.tuf_cache import FlashFetcher
from agent.adapters.tuf_errors import TufFault, failed, faults_named
from agent.adapters.tuf_fetcher import PortFetcher
from agent.ports import Downloads
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
"""The last second that metadata could name; at any later time all of it has expired."""

BEGINNING: Final = 0
"""Before any metadata was made; at that time none of it has expired."""


@dataclass(frozen=True, slots=True)
class TufKeys:
    """Implements `agent.ports.KeySource`.

    `root` is the pinned `root.json`. `folder` is the phone's own and nobody else's; it is made where it is missing.
    """

    root: bytes
    folder: Path
    downloads: Downloads

    def keys(self, now: int) -> KeySet:
        """The keys as they are published at trusted time `now`. Raises KeySourceError with a code of TufFault."""
        return self._fetched_by(PortFetcher(self.downloads), now)

    def cached_keys(self) -> KeySet:
        """The keys as this phone last saw them. Raises KeySourceError with a code of TufFault."""
        return self._fetched_by(FlashFetcher(self.folder / "metadata"), BEGINNING)

    def _fetched_by(self, fetcher: FetcherInterface, now: int) -> KeySet:
        with faults_named():
            keys = KeySet.from_jwks(self._target(self._updater(fetcher, now)))
        if not keys.keys:
            raise failed(TufFault.NO_USABLE_KEY, "no listed key is fit for verifying verdicts")
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
        """The octets of the target, checked once they are in memory."""
        info = updater.get_targetinfo(repository.TARGET)
        if info is None:
            raise failed(TufFault.TARGET_MISSING, f"the repository does not list {repository.TARGET}")
        path = updater.find_cached_target(info) or updater.download_target(info)
        return _checked(Path(path).read_bytes(), info)


def _checked(content: bytes, info: TargetFile) -> bytes:
    info.verify_length_and_hashes(content)
    return content


class TrustedTimeUpdater(Updater):
    """python-tuf's client with its one clock replaced.

    It reads the machine's clock once, when it is made, and compares every expiry with that. It offers no way to
    give it the time, so this class sets the attribute that holds it; making the updater itself judges no expiry.
    """

    def at(self, now: int) -> "TrustedTimeUpdater":
        """This updater, judging expiry at `now`, seconds since the epoch."""
        self._trusted_set.reference_time = datetime.fromtimestamp(min(now, LATEST), UTC)
        return self
