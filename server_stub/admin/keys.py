"""Administration of verdict keys: list, rotation and revocation. An audit entry and its publication commit together."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server_stub.key_repository import KeyList, KeyRepository, KeyRepositoryError, Keyring, RepositoryFault
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
    """`keyring` returns the private keys that belong to a list; `successor` creates the next key after another, of the
    same algorithm, which is in no list. Every method raises KeyRepositoryError and StoreUnavailableError.
    """

    repository: KeyRepository
    keyring: Callable[[KeyList], Keyring]
    successor: Callable[[SigningKey, KeyList], SigningKey]
    clock: Callable[[], int]

    def list(self, store: Store) -> tuple[KeyState, ...]:
        """All listed keys, in the order of the list."""
        with store.reading() as reading:
            listed = self.repository.keys(reading)
        signing = listed.signing(self.clock())
        held = [key.kid for key in self.keyring(listed).keys]
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
        with store.transaction() as transaction:
            transaction.begin_publication()
            listed = self.repository.keys(transaction)
            known = self.keyring(listed).key(kid)
            if known is None:
                raise KeyRepositoryError(
                    RepositoryFault.KEY_UNKNOWN, f"this server has no verdict key called {kid}"
                )
            retiring = any("exp" in key for key in listed.keys if key["kid"] == kid)
            if retiring or not listed.may_sign(kid, now):
                raise KeyRepositoryError(
                    RepositoryFault.KEY_RETIRED,
                    f"{kid} has a successor or does not sign; rotate the key that does",
                )
            new = self.successor(known, listed)
            details = {"successor": new.kid, "at": begins}
            transaction.append_audit(AuditEntry(now, by, "key.rotate", kid, reason, details))
            self.repository.rotate(kid, new.public_jwk(), at=begins, within=transaction)
        return new.kid

    def revoke(self, kid: str, store: Store, *, reason: str, by: str) -> None:
        """Revoke a key immediately. Rejected if no other key of this server could sign.

        Once the transaction is committed, the key signs nothing on any process.
        """
        with store.transaction() as transaction:
            transaction.begin_publication()
            listed = self.repository.keys(transaction)
            if all(key["kid"] != kid for key in listed.keys):
                raise KeyRepositoryError(RepositoryFault.KEY_UNKNOWN, f"no verdict key is called {kid}")
            held = {key.kid for key in self.keyring(listed).keys} - {kid}
            if held.isdisjoint(listed.signing(self.clock())):
                raise KeyRepositoryError(
                    RepositoryFault.NO_ACTIVE_KEY,
                    f"{kid} is the only key that this server can sign with; rotate it first",
                )
            transaction.append_audit(AuditEntry(self.clock(), by, "key.revoke", kid, reason, {}))
            self.repository.revoke(kid, within=transaction)

    def install_root(self, root: bytes, store: Store, *, reason: str, by: str) -> None:
        """Publish the next root, and sign all metadata with the online keys that it names."""
        details = {"sha256": hashlib.sha256(root).hexdigest()}
        with store.transaction() as transaction:
            self.repository.install_root(root, within=transaction)
            transaction.append_audit(AuditEntry(self.clock(), by, "key.root", "root", reason, details))

    def skip_versions(self, store: Store, *, reason: str, by: str) -> int:
        """Sign all metadata under versions that no device has seen, for a store that was restored from a backup.

        Returns the lowest of them.
        """
        with store.transaction() as transaction:
            version = self.repository.skip_versions(within=transaction)
            entry = AuditEntry(
                self.clock(), by, "key.skip-versions", "timestamp", reason, {"version": version}
            )
            transaction.append_audit(entry)
        return version


def _shifted(moment: Any, seconds: int) -> int | None:
    return None if moment is None else moment + seconds
