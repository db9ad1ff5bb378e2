"""The key repository of a running server. One server at a time holds a folder."""

import fcntl
import json
import os
from collections.abc import Callable, Set
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root

from server_stub.clock import ClockError
from server_stub.faults.catalogue import FaultKind
from server_stub.key_repository import reading
from server_stub.key_repository.errors import KeyRepositoryError, RepositoryFault
from server_stub.key_repository.files import METADATA, TIMESTAMP, Folder, RepositoryFile
from server_stub.key_repository.key_list import Jwk, KeyList
from server_stub.key_repository.publication import EVERY_ROLE, MetadataPublisher, Published
from server_stub.key_repository.roles import Lifetimes, OnlineKeys, OnlineRole
from server_stub.key_repository.signer import Keyring

FIRST_ROOT: Final = "1.root.json"


@dataclass(frozen=True, slots=True)
class InitialContents:
    """The contents of a new repository: the root that firmware images pin, and the first verdict keys."""

    root: bytes
    keys: KeyList


class KeyRepository:
    """Made by `open`; release it with `close`, or use it as a context manager.

    If a method that changes something raises KeyRepositoryError, the previous publication stays valid.
    """

    def __init__(
        self, folder: Folder, lock: int, publisher: MetadataPublisher, clock: Callable[[], int]
    ) -> None:
        self._folder = folder
        self._descriptor = lock
        self._publisher = publisher
        self._clock = clock
        self._changing = Lock()
        self._published: Published

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        initial: InitialContents,
        online: OnlineKeys,
        clock: Callable[[], int],
        lifetimes: Lifetimes | None = None,
    ) -> Self:
        """The repository in the folder `path`, created if the folder is empty. Raises KeyRepositoryError.

        `online` are the keys that the newest root names; `clock` returns seconds since the epoch, or raises ClockError
        so that nothing is published. While it does, an existing repository opens with its last publication, and no new
        one is created: ClockError is raised.
        """
        folder = Folder(path)
        folder.prepare()
        repository = cls(folder, _hold(path), MetadataPublisher(online, lifetimes or Lifetimes()), clock)
        with ExitStack() as undo:
            undo.callback(repository.close)
            repository._begin(initial)
            undo.pop_all()
        return repository

    def close(self) -> None:
        """Release the folder. Closing twice does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def keys(self) -> KeyList:
        """The published verdict keys."""
        return self._published.keys

    @property
    def clock_number(self) -> int:
        """How often an operator has accepted the server's clock; it never falls."""
        return self._publisher.clock

    @property
    def root(self) -> bytes:
        """The newest published root. Raises OSError."""
        version = self._published.root.signed.version
        return (self._folder.path / METADATA / f"{version}.root.json").read_bytes()

    def metadata(self, name: str) -> bytes | None:
        """A metadata file, or None if it does not exist. Raises KeyRepositoryError or OSError.

        Before the timestamp is returned, what expires soon is signed again. Raises ClockError for the timestamp while
        the clock is wrong.
        """
        if name == TIMESTAMP:
            self.refresh()
        return self._folder.metadata(name)

    def target(self, name: str) -> bytes | None:
        """A target file under its hash, or None if it does not exist. Raises OSError."""
        return self._folder.target(name)

    def refresh(self) -> frozenset[OnlineRole]:
        """Sign the roles again that have less than half of their lifetime left, and return them."""
        with self._changing:
            now = self._clock()
            if stale := self._publisher.stale(self._published, now):
                listed = self.keys.pruned(now) if OnlineRole.VERDICT_KEYS in stale else self.keys
                self._publish(listed, stale, now)
            return stale

    def accept_clock(self, now: int, keyring: Keyring | None = None) -> int:
        """Sign every role again at `now`, in seconds since the epoch, under the next clock number, and return that.

        Devices that see the greater number lower their floor of the time to this timestamp. Keys of `keyring` begin to
        sign where no other may.
        """
        with self._changing:
            # Raised first: a number that may have reached the disk is never used again.
            self._publisher = replace(self._publisher, clock=self._publisher.clock + 1)
            listed = self.keys if keyring is None else keyring.beginning(self.keys, now)
            self._publish(listed, EVERY_ROLE, now)
            return self._publisher.clock

    def wrong_timestamp(self, kind: FaultKind, key: Ed25519PrivateKey) -> bytes | None:
        """A timestamp that clients must reject, for tests of them: signed by `key`, expired, or of an earlier version.

        None if there was no earlier version. A client may remember the version of an expired one, so the next version
        is published.
        """
        with self._changing:
            published, publisher, now = self._published, self._publisher, self._clock()
            version = published.signed[OnlineRole.TIMESTAMP].version
            if kind is FaultKind.WRONG_KEY:
                publisher = replace(publisher, online=OnlineKeys(dict.fromkeys(OnlineRole, key)))
            elif kind is FaultKind.EXPIRED:
                version, now = version + 1, now - 2 * self._publisher.lifetimes.timestamp
            elif version == 1:
                return None
            else:
                version -= 1
            wrong = publisher.sign(OnlineRole.TIMESTAMP, version, published.signed, b"", now)
            if kind is FaultKind.EXPIRED:
                self._published = replace(published, signed={**published.signed, OnlineRole.TIMESTAMP: wrong})
                self._publish(self.keys, frozenset({OnlineRole.TIMESTAMP}), self._clock())
            return wrong.content

    def introduce(self, jwk: Jwk, *, signs_from: int | None = None) -> None:
        """List one more verdict key, which signs from `signs_from` on."""
        with self._changing:
            self._list(self.keys.with_key(jwk, signs_from=signs_from))

    def rotate(self, kid: str, jwk: Jwk, *, at: int) -> None:
        """Replace `kid` by the key `jwk` at the time `at`, in seconds since the epoch.

        Both are listed immediately. The old key signs until then and stays listed until its last verdict has expired.
        """
        with self._changing:
            self._list(self.keys.retiring(kid, at).with_key(jwk, signs_from=at))

    def revoke(self, kid: str) -> None:
        """Revoke a key immediately. Raises KeyRepositoryError if no other key could sign."""
        with self._changing:
            listed = self.keys.revoked(kid)
            if not listed.signing(self._clock()):
                raise KeyRepositoryError(
                    RepositoryFault.NO_ACTIVE_KEY,
                    f"{kid} is the only key that may sign; introduce another first",
                )
            self._list(listed)

    def install_root(self, root: bytes, online: OnlineKeys | None = None) -> None:
        """Publish the next root, signed by the thresholds of the current one and its own.

        `online` are the keys that it names, if they have changed.
        """
        with self._changing:
            now = self._clock()
            following = reading.check_root(root, self._published.root)
            publisher = replace(self._publisher, online=online) if online else self._publisher
            _require_named(following, publisher.online)
            name = f"{following.signed.version}.root.json"
            self._folder.write([RepositoryFile(METADATA, name, root)])
            self._publisher, self._published = publisher, replace(self._published, root=following)
            self._publish(self.keys, EVERY_ROLE, now)

    def _begin(self, initial: InitialContents) -> None:
        pinned = self._folder.metadata(FIRST_ROOT)
        if pinned not in (None, initial.root):
            raise KeyRepositoryError(
                RepositoryFault.ROOT_FOREIGN,
                f"{self._folder.path} was made under another root (another seed?); name an empty folder",
            )
        if self._folder.metadata(TIMESTAMP) is None:
            self._create(initial)
            return
        self._published = reading.read(self._folder)
        _require_named(self._published.root, self._publisher.online)
        self._publisher = replace(self._publisher, clock=self._published.clock)
        with suppress(ClockError):
            if not reading.signed_by(self._published, self._publisher.online):
                self._publish(self.keys, EVERY_ROLE, self._clock())
            self.refresh()

    def _create(self, initial: InitialContents) -> None:
        """Create the repository. Files of an interrupted creation are overwritten."""
        later = [p.name for p in (self._folder.path / METADATA).glob("*.json") if not p.name.startswith("1.")]
        if later:
            raise KeyRepositoryError(
                RepositoryFault.NOT_A_REPOSITORY,
                f"{self._folder.path} has {min(later)} but no {TIMESTAMP}; restore it, or name an empty folder",
            )
        publisher, keys = self._publisher, initial.keys.to_bytes()
        published, files = _first_publication(publisher, initial.root, keys, self._clock())
        self._folder.write(files)
        self._published = published

    def _list(self, keys: KeyList) -> None:
        """Publish another list, without expired keys."""
        now = self._clock()
        self._publish(keys.pruned(now), frozenset({OnlineRole.VERDICT_KEYS}), now)

    def _publish(self, keys: KeyList, renew: Set[OnlineRole], now: int) -> None:
        signed, files = self._publisher.publish(self._published.signed, keys, renew, now)
        try:
            self._folder.write(files)
        except KeyRepositoryError:
            if self._published.signed:  # the timestamp may be in place although it is not known to be durable
                self._published = reading.read(self._folder)
            raise
        self._published = Published(self._published.root, signed, keys, self._publisher.clock)


@lru_cache(maxsize=8)
def _first_publication(
    publisher: MetadataPublisher, root: bytes, keys: bytes, now: int
) -> tuple[Published, tuple[RepositoryFile, ...]]:
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
    return published, (RepositoryFile(METADATA, FIRST_ROOT, root), *files)


def _require_named(root: Metadata[Root], online: OnlineKeys) -> None:
    if not reading.names_keys(root, online):
        raise KeyRepositoryError(
            RepositoryFault.ONLINE_KEYS_FOREIGN,
            f"root {root.signed.version} names other online keys; give the server those that it names",
        )


def _hold(path: Path) -> int:
    """Lock the folder until the process ends. Raises KeyRepositoryError if another server has locked it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise KeyRepositoryError(
            RepositoryFault.IN_USE, f"another server publishes from {path}; stop it, or name another folder"
        ) from error
    return descriptor
