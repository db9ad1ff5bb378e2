"""The manufacturer's key ceremony, from a seed: offline root keys, online keys, and the root that images pin.

The first root has a fixed expiry date, so its bytes depend only on the seed: a device that is started separately pins
the same file that a server elsewhere publishes on another day.
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
"""The same as for the certificates: after the end of use of every device that pins the root."""


class Ceremony:
    """The offline and online keys of one manufacturer. `generation` 0 is the first set, 1 its replacement."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed

    def holder(self, generation: int = 0) -> RootKeys:
        """The holder of the three offline root keys."""
        return RootKeys([self._seed.ed25519(f"root key {generation}.{number}") for number in range(3)])

    def online(self, generation: int = 0) -> OnlineKeys:
        """The keys of the online roles."""
        return OnlineKeys(
            {role: self._seed.ed25519(f"online key {generation} {role}") for role in OnlineRole}
        )

    @cached_property
    def pinned_root(self) -> bytes:
        """Version 1 of `root.json`, which images contain. The same seed gives the same bytes."""
        return first_root(self.holder(), self.online(), FIRST_ROOT_EXPIRES)

    def open(
        self, folder: Path, keys: Sequence[SigningKey], clock: Callable[[], int], *, generation: int = 0
    ) -> KeyRepository:
        """The repository in `folder`, created if it is empty, with `keys`; its newest root is of `generation`.

        Raises KeyRepositoryError.
        """
        initial = InitialContents(self.pinned_root, KeyList.of(*(key.public_jwk() for key in keys)))
        return KeyRepository.open(folder, initial=initial, online=self.online(generation), clock=clock)
