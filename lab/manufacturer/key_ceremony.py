"""The manufacturer's key ceremony, from a seed: offline root keys, online keys, and the root that images pin.

The first root has a fixed expiry date, so its bytes depend only on the seed: a device that is started separately pins
the same file that a server elsewhere publishes on another day.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root

from lab.world.seed import Seed
from server_stub.key_repository import (
    InitialContents,
    KeyList,
    KeyRepository,
    KeyRepositoryError,
    Lifetimes,
    OnlineKeys,
    OnlineRole,
    RepositoryFault,
    RootKeys,
    first_root,
    names_keys,
    next_root,
)
from server_stub.signing.signing_key import SigningKey
from server_stub.store.transaction import Store
from wire.key_repository import ROOT_ROTATIONS_MAX

FIRST_ROOT_EXPIRES: Final = datetime(2048, 1, 1, tzinfo=UTC)
"""The same as for the certificates: after the end of use of every device that pins the root."""


@lru_cache(maxsize=64)
def _online_keys(seed: Seed, generation: int) -> OnlineKeys:
    return OnlineKeys({role: seed.ed25519(f"online key {generation} {role}") for role in OnlineRole})


@lru_cache(maxsize=64)
def _generation(seed: Seed, root: bytes) -> int:
    try:
        metadata = Metadata[Root].from_bytes(root)
    except RepositoryError as error:
        raise KeyRepositoryError(RepositoryFault.ROOT_REFUSED, "the root is not metadata") from error
    for generation in range(ROOT_ROTATIONS_MAX + 1):
        if names_keys(metadata, _online_keys(seed, generation)):
            return generation
    raise KeyRepositoryError(
        RepositoryFault.ONLINE_KEYS_FOREIGN,
        f"root {metadata.signed.version} names online keys that this seed does not give; choose its seed",
    )


class Ceremony:
    """The offline and online keys of one manufacturer. `generation` 0 is the first set, 1 its replacement."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed

    def holder(self, generation: int = 0) -> RootKeys:
        """The holder of the three offline root keys."""
        return RootKeys([self._seed.ed25519(f"root key {generation}.{number}") for number in range(3)])

    def online(self, generation: int = 0) -> OnlineKeys:
        """The keys of the online roles."""
        return _online_keys(self._seed, generation)

    @cached_property
    def pinned_root(self) -> bytes:
        """Version 1 of `root.json`, which images contain. The same seed gives the same bytes."""
        return first_root(self.holder(), self.online(), FIRST_ROOT_EXPIRES)

    def generation_of(self, root: bytes) -> int:
        """The generation of the online keys that `root` names. Raises KeyRepositoryError if it names none of them."""
        return _generation(self._seed, root)

    def online_of(self, root: bytes) -> OnlineKeys:
        """The online keys that `root` names. Raises KeyRepositoryError."""
        return self.online(self.generation_of(root))

    def replacement(self, root: bytes) -> bytes:
        """The root after `root`, with new online keys: a stolen one is worth nothing from then on.

        Raises KeyRepositoryError.
        """
        online = self.online(self.generation_of(root) + 1)
        return next_root(root, self.holder(), online, FIRST_ROOT_EXPIRES)

    def open(  # noqa: PLR0913 - those of `KeyRepository.open`
        self,
        store: Store,
        keys: Sequence[SigningKey],
        clock: Callable[[], int],
        lifetimes: Lifetimes | None = None,
        folder: Path | None = None,
        *,
        restored: bool = False,
    ) -> KeyRepository:
        """The repository in `store`, created with `keys` if there is none. Raises the same as `KeyRepository.open`."""
        initial = InitialContents(self.pinned_root, KeyList.of(*(key.public_jwk() for key in keys)))
        return KeyRepository.open(
            store,
            initial=initial,
            online=self.online_of,
            clock=clock,
            lifetimes=lifetimes,
            folder=folder,
            restored=restored,
        )
