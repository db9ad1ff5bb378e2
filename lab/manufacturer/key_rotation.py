"""The rotations of a lab server's verdict keys, derived from the seed, so that no private key is in a file.

A server that restarts finds the number of rotations in the published list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from lab.manufacturer.manufacturer import Manufacturer
from server_stub.key_repository import KeyList, Keyring
from server_stub.signing.signing_key import SigningKey

_GENERATIONS_MAX: Final = 256
"""The number of generations that are tried for a listed key; those in between may be missing."""


def find_verdict_key(manufacturer: Manufacturer, kid: str) -> SigningKey | None:
    """The verdict key `kid` of `manufacturer`, of any generation; None if its seed does not give it."""
    first = (manufacturer.signing_key, manufacturer.second_signing_key, manufacturer.post_quantum_signing_key)
    successors = (
        manufacturer.verdict_key(key.algorithm, generation)
        for generation in range(1, _GENERATIONS_MAX + 1)
        for key in first
    )
    return next((key for key in chain(first, successors) if key.kid == kid), None)


@dataclass(frozen=True, slots=True)
class KeyRotationHistory:
    """The successors of `keys`, the first keys of `manufacturer`."""

    manufacturer: Manufacturer
    keys: Sequence[SigningKey]

    def keyring(self, listed: KeyList) -> Keyring:
        """The first keys, each after those of its successors that are in `listed`, the newest first."""
        ring, missing = [*self.keys], _kids(listed) - {key.kid for key in self.keys}
        for key in self.keys:
            place = ring.index(key)
            for generation in range(1, _GENERATIONS_MAX + 1):
                if not missing:
                    return Keyring(ring)
                candidate = self.manufacturer.verdict_key(key.algorithm, generation)
                if candidate.kid in missing:
                    missing.discard(candidate.kid)
                    ring.insert(place, candidate)
        return Keyring(ring)

    def successor(self, key: SigningKey, listed: KeyList) -> SigningKey:
        """The key of the same algorithm after the newest generation in `listed`."""
        kids = _kids(listed)
        newest = 0
        for generation in range(1, _GENERATIONS_MAX + 1):
            if self.manufacturer.verdict_key(key.algorithm, generation).kid in kids:
                newest = generation
        return self.manufacturer.verdict_key(key.algorithm, newest + 1)


def _kids(listed: KeyList) -> set[str]:
    return {key["kid"] for key in listed.keys}
