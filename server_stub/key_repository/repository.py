"""The key repository of a running server, in its store. Any number of servers publish from one store, in turns."""

import json
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root

from server_stub.clock import ClockError
from server_stub.faults.catalogue import FaultKind
from server_stub.key_repository import reading as published_files
from server_stub.key_repository.errors import KeyRepositoryError, RepositoryFault
from server_stub.key_repository.files import (
    FIRST_ROOT,
    SERVED,
    TIMESTAMP,
    VERSION_MAX,
    KeysFolder,
    metadata_file,
    roots,
)
from server_stub.key_repository.key_list import Jwk, KeyList
from server_stub.key_repository.publication import EVERY_ROLE, MetadataPublisher, Published
from server_stub.key_repository.roles import Lifetimes, OnlineKeys, OnlineRole
from server_stub.key_repository.signer import Keyring
from server_stub.store.reading import Reading
from server_stub.store.records import DeviceQuery
from server_stub.store.transaction import Store, Transaction

PLACE: Final = "the database"

_SKIPPED: Final = 1_000_000
_SKIP_SECONDS: Final = 4
"""After a restoration versions count these units since 1970, so they are higher than after an earlier one of the same
backup. The nine digits of a file name last until 2096, or for 500 restorations of which each has the one before in its
backup.
"""
_CACHED_FILES: Final = 64


@dataclass(frozen=True, slots=True)
class InitialContents:
    """The contents of a new repository: the root that firmware images pin, and the first verdict keys."""

    root: bytes
    keys: KeyList


class KeyRepository:
    """The repository in `store`, which `open` creates. Without it, an existing repository is used.

    Each change is one transaction: that of `within`, where it is given, else one of its own. If it fails, or the
    transaction is not committed, the previous publication stays valid. What was read is cached by the number of the
    publication, so that changes by other processes are seen.
    """

    def __init__(
        self,
        store: Store,
        online: Callable[[bytes], OnlineKeys],
        clock: Callable[[], int],
        lifetimes: Lifetimes | None = None,
    ) -> None:
        self._store = store
        self._online = online
        self._clock = clock
        self._lifetimes = lifetimes or Lifetimes()
        self._known: tuple[int, Published] | None = None
        self._files: dict[str, bytes] = {}

    @classmethod
    def open(  # noqa: PLR0913 - each is a separate part
        cls,
        store: Store,
        *,
        initial: InitialContents,
        online: Callable[[bytes], OnlineKeys],
        clock: Callable[[], int],
        lifetimes: Lifetimes | None = None,
        folder: Path | None = None,
        restored: bool = False,
    ) -> Self:
        """The repository in `store`, created if there is none. Raises KeyRepositoryError, StoreUnavailableError.

        `online` returns the keys that a root names, or raises KeyRepositoryError; `clock` returns seconds since the
        epoch, or raises ClockError so that nothing is published. While it does, an existing repository opens with its
        last publication, and no new one is created: ClockError is raised. The roots are written to `folder`; if an
        earlier release left a repository there, it is imported in place of a new one, and a store that knows devices
        must have one. If the store was `restored` from a backup, later roots in `folder` are published again.
        """
        repository = cls(store, online, clock, lifetimes)
        keys_folder = KeysFolder(folder) if folder else None
        with store.transaction() as transaction:
            transaction.begin_publication()
            if keys_folder and not restored:
                _check_not_lost(transaction, keys_folder)
            repository._begin(transaction, initial, keys_folder)
            published = roots(transaction.repository_file)
            if keys_folder and restored:
                for later in list(roots(keys_folder.file).values())[len(published) :]:
                    repository.install_root(later, within=transaction)
                published = roots(transaction.repository_file)
            if keys_folder:
                keys_folder.check(published)
        if keys_folder:
            keys_folder.write(published)
        return repository

    def published(self, reading: Reading) -> Published:
        """The publication that is current in `reading`. Raises KeyRepositoryError if it was altered."""
        number, known = reading.publication(), self._known
        if known is not None and known[0] == number and not reading.has_published:
            return known[1]
        if not number:
            raise KeyRepositoryError(
                RepositoryFault.NOT_A_REPOSITORY, f"{PLACE} publishes no keys yet; start the server first"
            )
        published = published_files.read(reading.repository_file, PLACE)
        if not reading.has_published:  # it may be rolled back
            self._known = number, published
        return published

    def keys(self, reading: Reading | None = None) -> KeyList:
        """The published verdict keys."""
        with self._reading(reading) as current:
            return self.published(current).keys

    def root(self, reading: Reading | None = None) -> bytes:
        """The newest published root."""
        with self._reading(reading) as current:
            [*_, newest] = roots(current.repository_file).values()
            return newest

    def metadata(self, name: str) -> bytes | None:
        """A metadata file, or None if it does not exist. The timestamp is signed again if it is due.

        Raises StoreUnavailableError, and for the timestamp KeyRepositoryError and ClockError.
        """
        if f"metadata/{name}" == TIMESTAMP:
            return self._refresh()[0]
        return self._file(f"metadata/{name}")

    def target(self, name: str) -> bytes | None:
        """A target file under its hash, or None if it does not exist. Raises StoreUnavailableError."""
        return self._file(f"targets/{name}")

    def refresh(self) -> frozenset[OnlineRole]:
        """Sign the roles again that have less than half of their lifetime left, and return them."""
        return self._refresh()[1]

    def accept_clock(
        self,
        now: int,
        keyring: Callable[[KeyList], Keyring] | None = None,
        *,
        within: Transaction | None = None,
    ) -> int:
        """Sign every role again at `now`, in seconds since the epoch, under the next clock number, and return that.

        Devices that see the greater number lower their floor of the time to this timestamp. Keys of `keyring` begin to
        sign where no other may.
        """
        with self._changing(within) as transaction:
            before = self.published(transaction)
            keys = before.keys if keyring is None else keyring(before.keys).beginning(before.keys, now)
            changed = replace(before, keys=keys, clock=before.clock + 1)
            return self._publish(transaction, changed, EVERY_ROLE, now).clock

    def wrong_timestamp(
        self, kind: FaultKind, key: Ed25519PrivateKey, *, within: Transaction | None = None
    ) -> bytes | None:
        """A timestamp that clients must reject, for tests of them: signed by `key`, expired, or of an earlier version.

        None if there was no earlier version. A client may remember the version of an expired one, so the next version
        is published.
        """
        with self._changing(within) as transaction:
            published, now = self.published(transaction), self._clock()
            publisher = self._publisher(published)
            version = published.signed[OnlineRole.TIMESTAMP].version
            if kind is FaultKind.WRONG_KEY:
                publisher = replace(publisher, online=OnlineKeys(dict.fromkeys(OnlineRole, key)))
            elif kind is FaultKind.EXPIRED:
                version, now = version + 1, now - 2 * self._lifetimes.timestamp
            elif version == 1:
                return None
            else:
                version -= 1
            wrong = publisher.sign(OnlineRole.TIMESTAMP, version, published.signed, b"", now)
            if kind is FaultKind.EXPIRED:
                used = replace(published, signed={**published.signed, OnlineRole.TIMESTAMP: wrong})
                self._publish(transaction, used, {OnlineRole.TIMESTAMP}, self._clock())
            return wrong.content

    def introduce(
        self, jwk: Jwk, *, signs_from: int | None = None, within: Transaction | None = None
    ) -> None:
        """List one more verdict key, which signs from `signs_from` on."""
        with self._changing(within) as transaction:
            self._list(transaction, self.published(transaction).keys.with_key(jwk, signs_from=signs_from))

    def rotate(self, kid: str, jwk: Jwk, *, at: int, within: Transaction | None = None) -> None:
        """Replace `kid` by the key `jwk` at the time `at`, in seconds since the epoch.

        Both are listed immediately. The old key signs until then and stays listed until its last verdict has expired.
        """
        with self._changing(within) as transaction:
            keys = self.published(transaction).keys
            self._list(transaction, keys.retiring(kid, at).with_key(jwk, signs_from=at))

    def revoke(self, kid: str, *, within: Transaction | None = None) -> None:
        """Revoke a key immediately. Raises KeyRepositoryError if no other key could sign."""
        with self._changing(within) as transaction:
            keys = self.published(transaction).keys.revoked(kid)
            if not keys.signing(self._clock()):
                raise KeyRepositoryError(
                    RepositoryFault.NO_ACTIVE_KEY,
                    f"{kid} is the only key that may sign; introduce another first",
                )
            self._list(transaction, keys)

    def install_root(self, root: bytes, *, within: Transaction | None = None) -> None:
        """Publish the next root, signed by the thresholds of the current one and its own, and sign every role again."""
        with self._changing(within) as transaction:
            before, now = self.published(transaction), self._clock()
            following = published_files.check_root(root, before.root)
            name = metadata_file(following.signed.version, Root.type)
            changed = replace(before, root=following)
            self._publish(transaction, changed, EVERY_ROLE, now, {name: root})

    def skip_versions(self, *, within: Transaction | None = None) -> int:
        """Sign every role again under a version and a clock number that no device has seen; return the lowest version.

        For a store that was restored from a backup: devices may have seen what was published since, and would reject
        lower versions.
        """
        with self._changing(within) as transaction:
            before, now = self.published(transaction), self._clock()

            def unseen(number: int) -> int:
                return max(number, now // _SKIP_SECONDS) + _SKIPPED

            signed = {
                role: replace(each, version=unseen(each.version)) for role, each in before.signed.items()
            }
            changed = replace(before, signed=signed, clock=unseen(before.clock))
            after = self._publish(transaction, changed, EVERY_ROLE, now)
            return min(each.version for each in after.signed.values())

    @contextmanager
    def _reading(self, within: Reading | None) -> Iterator[Reading]:
        if within is not None:
            yield within
            return
        with self._store.reading() as reading:
            yield reading

    @contextmanager
    def _changing(self, within: Transaction | None) -> Iterator[Transaction]:
        """The transaction of a publication. No other transaction signs or publishes until it ends."""
        if within is None:
            with self._store.transaction() as transaction:
                transaction.begin_publication()
                yield transaction
        else:
            within.begin_publication()
            yield within

    def _begin(self, transaction: Transaction, initial: InitialContents, folder: KeysFolder | None) -> None:
        place: object = PLACE
        if not transaction.publication():
            if folder is None or folder.file(TIMESTAMP) is None:
                self._create(transaction, initial)
                return
            place = folder
            transaction.publish(published_files.files_of(folder.file, folder))
        if transaction.repository_file(FIRST_ROOT) != initial.root:
            raise KeyRepositoryError(
                RepositoryFault.ROOT_FOREIGN, f"{place} was made under another root; give its --seed"
            )
        published = self.published(transaction)
        signed = published_files.signed_by(published, self._publisher(published).online)
        with suppress(ClockError):
            if not signed:
                self._publish(transaction, published, EVERY_ROLE, self._clock())

    def _create(self, transaction: Transaction, initial: InitialContents) -> None:
        publisher = MetadataPublisher(self._online(initial.root), self._lifetimes)
        keys = initial.keys.to_bytes()
        published, files = _first_publication(publisher, initial.root, keys, self._clock())
        self._remember(transaction, files, published)

    def _file(self, name: str) -> bytes | None:
        """A file that never changes. Files that do not exist yet are looked up each time."""
        if not SERVED.fullmatch(name):
            return None
        content = self._files.get(name)
        if content is None:
            with self._store.reading() as reading:
                content = reading.repository_file(name)
            if content is not None:
                if len(self._files) >= _CACHED_FILES:
                    self._files.clear()
                self._files[name] = content
        return content

    def _refresh(self) -> tuple[bytes | None, frozenset[OnlineRole]]:
        """The stored timestamp, and the roles that were signed again for it."""
        with self._store.reading() as reading:
            published, timestamp = self.published(reading), reading.repository_file(TIMESTAMP)
        stale = published.stale(self._lifetimes, self._clock())
        if stale:
            with self._changing(None) as transaction:
                published, now = self.published(transaction), self._clock()
                stale = published.stale(self._lifetimes, now)  # another process may have signed them
                if OnlineRole.VERDICT_KEYS in stale:
                    published = replace(published, keys=published.keys.pruned(now))
                if stale:
                    self._publish(transaction, published, stale, now)
                timestamp = transaction.repository_file(TIMESTAMP)
        return timestamp, stale

    def _list(self, transaction: Transaction, keys: KeyList) -> None:
        """Publish another list, without expired keys."""
        now = self._clock()
        changed = replace(self.published(transaction), keys=keys.pruned(now))
        self._publish(transaction, changed, {OnlineRole.VERDICT_KEYS}, now)

    def _publish(
        self,
        transaction: Transaction,
        changed: Published,
        renew: Set[OnlineRole],
        now: int,
        more: Mapping[str, bytes] = MappingProxyType({}),
    ) -> Published:
        """Sign the roles of `renew` again for `changed`, and write them and the files of `more`."""
        signed, files = self._publisher(changed).publish(changed.signed, changed.keys, renew, now)
        if max(each.version for each in signed.values()) > VERSION_MAX:
            raise KeyRepositoryError(
                RepositoryFault.VERSIONS_USED_UP, f"versions end at {VERSION_MAX}; begin with another root"
            )
        published = replace(changed, signed=signed)
        self._remember(transaction, {**files, **more}, published)
        return published

    def _remember(self, transaction: Transaction, files: Mapping[str, bytes], published: Published) -> None:
        """Write `files`, and cache `published` once they are committed."""
        number = transaction.publish(files)
        transaction.after_commit(lambda: setattr(self, "_known", (number, published)))

    def _publisher(self, published: Published) -> MetadataPublisher:
        """Signs with the online keys that the root names. Raises KeyRepositoryError if this server has others."""
        online = self._online(published.root.to_bytes())
        _require_named(published.root, online)
        return MetadataPublisher(online, self._lifetimes, published.clock)


@lru_cache(maxsize=8)
def _check_not_lost(transaction: Transaction, folder: KeysFolder) -> None:
    """Raises KeyRepositoryError if devices know a repository that is neither in the store nor in `folder`.

    They would reject a new one as older, and it would list keys that were revoked.
    """
    if transaction.publication() or folder.file(TIMESTAMP) is not None:
        return
    if transaction.devices(DeviceQuery(), limit=1).items:
        raise KeyRepositoryError(
            RepositoryFault.NOT_A_REPOSITORY,
            f"{folder} lacks the keys that an earlier release published; name their folder, or add --restored if they "
            "are lost",
        )


def _first_publication(
    publisher: MetadataPublisher, root: bytes, keys: bytes, now: int
) -> tuple[Published, dict[str, bytes]]:
    """The first publication of `keys`, and its files. Raises KeyRepositoryError.

    Cached, because many servers of a simulation begin at the same time.
    """
    try:
        first = Metadata[Root].from_bytes(root)
    except RepositoryError as error:
        raise KeyRepositoryError(RepositoryFault.ROOT_REFUSED, "the first root is not metadata") from error
    _require_named(first, publisher.online)
    listed = KeyList(tuple(json.loads(keys)["keys"]))  # was checked when the list was made
    signed, files = publisher.publish({}, listed, EVERY_ROLE, now)
    published = Published(first, MappingProxyType(signed), listed, publisher.clock)
    return published, {FIRST_ROOT: root, **files}


def _require_named(root: Metadata[Root], online: OnlineKeys) -> None:
    if not published_files.names_keys(root, online):
        raise KeyRepositoryError(
            RepositoryFault.ONLINE_KEYS_FOREIGN,
            f"root {root.signed.version} names other online keys; give the server those that it names",
        )
