"""Administration of verdict keys: list, rotation and revocation.

The key repository consists of files, which a transaction cannot roll back. So the audit entry is written first and the
list is published last, just before the commit: a failed publication leaves no entry, and a successful one lacks its
entry only if the commit fails.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server_stub.key_repository import (
    KeyRepository,
    KeyRepositoryError,
    Keyring,
    OnlineKeys,
    RepositoryFault,
)
from server_stub.key_repository.key_list import TAIL
from server_stub.signing.signing_key import SigningKey
from server_stub.store.records import AuditEntry
from server_stub.store.transaction import Store
from wire import limits


@dataclass(frozen=True, slots=True)
class KeyState:
    """A published verdict key. It signs from `signs_from` until `signs_until`, in seconds since the epoch; null means
    no bound.

    `may_sign`: the list permits it to sign now. `signs`: this server signs with it now. `held`: this server has its
    private key.
    """

    kid: str
    alg: str
    status: str
    signs_from: int | None
    signs_until: int | None
    may_sign: bool
    signs: bool
    held: bool


@dataclass(frozen=True, slots=True)
class KeyAdmin:
    """`successor` creates the next key after another, of the same algorithm. Raises KeyRepositoryError.

    `online` returns the private keys that a root names, or raises KeyRepositoryError if this server has others.
    """

    repository: KeyRepository
    keyring: Keyring
    successor: Callable[[SigningKey], SigningKey]
    clock: Callable[[], int]
    online: Callable[[bytes], OnlineKeys]

    def list(self) -> tuple[KeyState, ...]:
        """All listed keys, in the order of the list."""
        now, listed = self.clock(), self.repository.keys
        signing = listed.signing(now)
        held = [key.kid for key in self.keyring.keys]
        signs = next((kid for kid in held if kid in signing), None)
        return tuple(
            KeyState(
                kid=key["kid"],
                alg=key.get("alg", "unknown"),
                status=key["status"],
                signs_from=_shifted(key.get("nbf"), limits.SKEW),
                signs_until=_shifted(key.get("exp"), -TAIL),
                may_sign=key["kid"] in signing,
                signs=key["kid"] == signs,
                held=key["kid"] in held,
            )
            for key in listed.keys
        )

    def rotate(self, kid: str, store: Store, *, at: int | None, reason: str, by: str) -> str:
        """Replace `kid` by a new key at the time `at`, or now, and return the new `kid`."""
        now = self.clock()
        begins = now if at is None else max(at, now)
        known = self.keyring.key(kid)
        if known is None:
            raise KeyRepositoryError(
                RepositoryFault.KEY_UNKNOWN, f"this server has no verdict key called {kid}"
            )
        listed = self.repository.keys
        retiring = any("exp" in key for key in listed.keys if key["kid"] == kid)
        if retiring or not listed.may_sign(kid, now):
            raise KeyRepositoryError(
                RepositoryFault.KEY_RETIRED,
                f"{kid} has a successor or does not sign; rotate the key that does",
            )
        new = self.successor(known)
        details = {"successor": new.kid, "at": begins}
        with store.transaction() as transaction:
            transaction.append_audit(AuditEntry(now, by, "key.rotate", kid, reason, details))
            self.repository.rotate(kid, new.public_jwk(), at=begins)
        self.keyring.succeed(kid, new)
        return new.kid

    def revoke(self, kid: str, store: Store, *, reason: str, by: str) -> None:
        """Revoke a key immediately. Rejected if no other key of this server could sign."""
        held = {key.kid for key in self.keyring.keys} - {kid}
        listed = self.repository.keys
        if all(key["kid"] != kid for key in listed.keys):
            raise KeyRepositoryError(RepositoryFault.KEY_UNKNOWN, f"no verdict key is called {kid}")
        if held.isdisjoint(listed.signing(self.clock())):
            raise KeyRepositoryError(
                RepositoryFault.NO_ACTIVE_KEY,
                f"{kid} is the only key that this server can sign with; rotate it first",
            )
        with store.transaction() as transaction:
            transaction.append_audit(AuditEntry(self.clock(), by, "key.revoke", kid, reason, {}))
            self.repository.revoke(kid)

    def install_root(self, root: bytes, store: Store, *, reason: str, by: str) -> None:
        """Publish the next root, and sign all metadata with the online keys that it names."""
        online = self.online(root)
        digest = hashlib.sha256(root).hexdigest()
        with store.transaction() as transaction:
            transaction.append_audit(
                AuditEntry(self.clock(), by, "key.root", "root", reason, {"sha256": digest})
            )
            self.repository.install_root(root, online)


def _shifted(moment: Any, seconds: int) -> int | None:
    return None if moment is None else moment + seconds
