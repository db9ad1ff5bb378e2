"""The vendor's key ceremony, from a seed: root keys for the safe, online keys for the server, the root that images pin.

The first root has a fixed date of expiry, so that its octets follow from the seed alone: a phone that is started
by itself pins the same file that a server elsewhere, on another day, publishes.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from lab.world.seed import Seed
from server_stub.key_repository import (
    InitialContents,
    KeyList,
    KeyRepository,
    OnlineKeys,
    OnlineRole,
    RootKeys,
    first_root,
)
from server_stub.signing.signing_key import SigningKey

FIRST_ROOT_EXPIRES: Final = datetime(2048, 1, 1, tzinfo=UTC)
"""As the vendor's certificates: after the life of every phone that pins it."""


class Ceremony:
    """What one vendor holds offline and online. `generation` 0 is the first set of keys, 1 what replaces it."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed

    def holder(self, generation: int = 0) -> RootKeys:
        """The three root keys in the safe."""
        return RootKeys([self._seed.ed25519(f"root key {generation}.{number}") for number in range(3)])

    def online(self, generation: int = 0) -> OnlineKeys:
        """The keys of the online roles."""
        return OnlineKeys(
            {role: self._seed.ed25519(f"online key {generation} {role}") for role in OnlineRole}
        )

    @cached_property
    def pinned_root(self) -> bytes:
        """Version 1 of `root.json`, which images carry. The same seed gives the same octets."""
        return first_root(self.holder(), self.online(), FIRST_ROOT_EXPIRES)

    def open(
        self, folder: Path, keys: Sequence[SigningKey], clock: Callable[[], int], *, generation: int = 0
    ) -> KeyRepository:
        """The repository in `folder`, new in an empty one, listing `keys`; its newest root is of `generation`.

        Raises KeyRepositoryError.
        """
        initial = InitialContents(self.pinned_root, KeyList.of(*(key.public_jwk() for key in keys)))
        return KeyRepository.open(folder, initial=initial, online=self.online(generation), clock=clock)
