"""The verdict keys, for operators: which there are, which signs, rotation and revocation.

The key repository is files, and no transaction takes a file back. So the audit entry is written first and the list is
published last, just before the transaction ends: a publication that fails leaves no entry, and one that succeeds
lacks its entry only where the database fails in that instant.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server_stub.key_repository import KeyRepository, KeyRepositoryError, Keyring, RepositoryFault
from server_stub.key_repository.key_list import TAIL, Jwk
from server_stub.signing.signing_key import SigningKey
from server_stub.store.records import AuditEntry, Store
from wire import limits


@dataclass(frozen=True, slots=True)
class KeyState:
    """A verdict key as it is published. It signs from `signs_from` to `signs_until`, each None for no bound.

    `may_sign` says whether the list lets it sign now, `signs` whether it is the one that this server signs with now,
    and `held` whether this server has its private half.
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
    """`successor` makes the key that follows another, of the same algorithm. Raises KeyRepositoryError."""

    repository: KeyRepository
    keyring: Keyring
    successor: Callable[[SigningKey], SigningKey]
    clock: Callable[[], int]

    def list(self) -> tuple[KeyState, ...]:
        """All keys that are listed, in the order of the list."""
        now, listed = self.clock(), self.repository.keys
        signing = listed.signing(now)
        held = [key.kid for key in self.keyring.keys]
        signs = next((kid for kid in held if kid in signing), None)
        return tuple(
            _state(key, key["kid"] in signing, key["kid"] == signs, key["kid"] in held) for key in listed.keys
        )

    def rotate(self, kid: str, store: Store, *, at: int | None, reason: str, by: str) -> str:
        """Let a new key take over from `kid` at that time, now if it is None, and return its name."""
        now = self.clock()
        begins = now if at is None else max(at, now)
        known = self.keyring.key(kid)
        if known is None:
            raise KeyRepositoryError(
                RepositoryFault.KEY_UNKNOWN, f"this server has no verdict key called {kid}"
            )
        if not self._lasts(kid, now):
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

    def _lasts(self, kid: str, now: int) -> bool:
        listed = self.repository.keys
        return listed.may_sign(kid, now) and all("exp" not in key for key in listed.keys if key["kid"] == kid)

    def revoke(self, kid: str, store: Store, *, reason: str, by: str) -> None:
        """Revoke a key at once. Refused where no other key of this server could sign."""
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


def _state(jwk: Jwk, may_sign: bool, signs: bool, held: bool) -> KeyState:  # noqa: FBT001 - private, by position once
    return KeyState(
        kid=jwk["kid"],
        alg=jwk.get("alg", "unknown"),
        status=jwk["status"],
        signs_from=_shifted(jwk.get("nbf"), limits.SKEW),
        signs_until=_shifted(jwk.get("exp"), -TAIL),
        may_sign=may_sign,
        signs=signs,
        held=held,
    )


def _shifted(moment: Any, seconds: int) -> int | None:
    return None if moment is None else moment + seconds
