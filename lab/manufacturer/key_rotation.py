"""The verdict keys of a lab's server over its rotations, from the seed, so that no private key lies in a file.

A server that starts again finds in the published list how often its keys were rotated.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lab.manufacturer.manufacturer import Manufacturer
from server_stub.key_repository import KeyList, Keyring
from server_stub.signing.signing_key import SigningKey

_REACH: Final = 256
"""How many generations are tried for a key that is listed; those in between may have died."""


@dataclass(frozen=True, slots=True)
class KeyRotationHistory:
    """Who follows whom among the keys of `vendor`. `listed` gives the list as it is published."""

    vendor: Manufacturer
    listed: Callable[[], KeyList]

    def keyring(self, keys: Sequence[SigningKey]) -> Keyring:
        """`keys`, each behind those of its successors that are listed."""
        ring = Keyring(keys)
        strange = self._kids() - {key.kid for key in keys}
        for key in keys if strange else ():
            self._add_successors(ring, key, strange)
        return ring

    def successor(self, key: SigningKey) -> SigningKey:
        """The next key of the same algorithm, of a generation that was never listed."""
        kids = self._kids()
        newest = 0
        for generation in range(1, _REACH + 1):
            if self.vendor.verdict_key(key.algorithm, generation).kid in kids:
                newest = generation
        return self.vendor.verdict_key(key.algorithm, newest + 1)

    def _add_successors(self, ring: Keyring, first: SigningKey, strange: set[str]) -> None:
        below = first
        for generation in range(1, _REACH + 1):
            if not strange:
                return
            key = self.vendor.verdict_key(first.algorithm, generation)
            if key.kid in strange:
                strange.discard(key.kid)
                ring.succeed(below.kid, key)
                below = key

    def _kids(self) -> set[str]:
        return {key["kid"] for key in self.listed().keys}
