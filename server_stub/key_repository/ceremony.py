"""The offline part: the three root keys, and the roots that they sign.

Nothing here runs in a server. A server gets a signed `root.json` and its online keys, but never `RootKeys`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root

from server_stub.key_repository.roles import TOP_LEVEL, OnlineKeys

KEYS: Final = 3
THRESHOLD: Final = 2


class RootKeys:
    """Three root keys, of which any two sign (TUF specification section 2.1.1)."""

    def __init__(self, keys: Sequence[Ed25519PrivateKey]) -> None:
        self.signers = tuple(CryptoSigner(key) for key in keys)
        if len({signer.public_key.keyid for signer in self.signers}) != KEYS:
            raise ValueError(f"a root has {KEYS} different keys, not {len(self.signers)}")

    def sign(self, root: Metadata[Root], *, keys: Sequence[int] = (0, 1)) -> None:
        """Add signatures to `root` by the keys with these numbers; two are enough."""
        for number in keys:
            root.sign(self.signers[number], append=True)


def draft_root(root_keys: RootKeys, online: OnlineKeys, *, version: int, expires: datetime) -> Metadata[Root]:
    """An unsigned root that names the keys of `root_keys` and the online keys."""
    root = Root(version=version, expires=expires, consistent_snapshot=True)
    for signer in root_keys.signers:
        root.add_key(signer.public_key, Root.type)
    root.roles[Root.type].threshold = THRESHOLD
    for role in TOP_LEVEL:
        root.add_key(online.public(role), role)
    return Metadata(root)


def first_root(root_keys: RootKeys, online: OnlineKeys, expires: datetime) -> bytes:
    """Version 1, which firmware images pin. The same keys and date give the same bytes."""
    root = draft_root(root_keys, online, version=1, expires=expires)
    root_keys.sign(root)
    return root.to_bytes()


def next_root(
    current: bytes,
    root_keys: RootKeys,
    online: OnlineKeys,
    expires: datetime,
    *,
    successor: RootKeys | None = None,
) -> bytes:
    """The version after `current`, signed by two keys of its `root_keys` and two of the `successor`, if given.

    Raises DeserializationError if `current` is not metadata.
    """
    version = Metadata[Root].from_bytes(current).signed.version + 1
    root = draft_root(successor or root_keys, online, version=version, expires=expires)
    root_keys.sign(root)
    if successor is not None:
        successor.sign(root)
    return root.to_bytes()
