"""The list of verdict keys: which exist, which may sign, which are revoked. Pure.

`nbf` and `exp` of a key bound the verdicts that devices accept under it. The server keeps a margin at both ends: its
verdicts expire before the key does, and it signs only once devices whose time lags accept the key.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from server_stub.key_repository.errors import KeyRepositoryError, RepositoryFault
from wire import limits

Jwk = Mapping[str, Any]

TAIL: Final = limits.LIFETIME_MAX + limits.SKEW
"""Seconds from the last verdict of a key to its expiry."""

_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv", "seed"})


class ListedKeyStatus(StrEnum):
    """`status` of a key."""

    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class KeyList:
    """Public JWKs (RFC 7517), each with `kid`, `alg`, `use`, `status`, and optionally `nbf` and `exp`."""

    keys: tuple[Jwk, ...] = ()

    @classmethod
    def of(cls, *jwks: Jwk) -> Self:
        """The list of these keys. Raises KeyRepositoryError."""
        keys = cls()
        for jwk in jwks:
            keys = keys.with_key(jwk)
        return keys

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """The list that `to_bytes` wrote. Raises KeyRepositoryError."""
        try:
            return cls.of(*json.loads(content)["keys"])
        except (ValueError, KeyError, TypeError) as error:
            raise KeyRepositoryError(RepositoryFault.KEY_MALFORMED, "the list is not a JWK Set") from error

    def to_bytes(self) -> bytes:
        """The JWK Set. The same list gives the same bytes."""
        document = {"keys": [dict(key) for key in self.keys]}
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

    def with_key(self, jwk: Jwk, *, signs_from: int | None = None) -> Self:
        """The list with one more key, which signs from `signs_from` on. Raises KeyRepositoryError."""
        candidate: object = jwk  # `from_bytes` passes any JSON value
        if (
            not isinstance(candidate, Mapping)
            or candidate.get("use") != "sig"
            or not isinstance(candidate.get("kid"), str)
            or not isinstance(candidate.get("kty"), str)
        ):
            raise KeyRepositoryError(
                RepositoryFault.KEY_MALFORMED, "a verdict key needs kid, kty and use sig"
            )
        if not _PRIVATE.isdisjoint(candidate):
            raise KeyRepositoryError(RepositoryFault.KEY_MALFORMED, "private members are never published")
        if any(key["kid"] == jwk["kid"] for key in self.keys):
            raise KeyRepositoryError(
                RepositoryFault.KEY_LISTED, f"{jwk['kid']} is already listed; a name is used once"
            )
        begins = {} if signs_from is None else {"nbf": signs_from - limits.SKEW}
        return type(self)((*self.keys, {"status": ListedKeyStatus.ACTIVE.value, **jwk, **begins}))

    def retiring(self, kid: str, signs_until: int) -> Self:
        """The list in which the key signs until `signs_until` and stays listed until its last verdict has expired."""
        return self._changed(kid, {"exp": signs_until + TAIL})

    def beginning(self, kid: str, signs_from: int) -> Self:
        """The list in which the key signs from `signs_from` on."""
        return self._changed(kid, {"nbf": signs_from - limits.SKEW})

    def revoked(self, kid: str) -> Self:
        """The list with the key revoked. It stays listed, so that devices reject it by name."""
        return self._changed(kid, {"status": ListedKeyStatus.REVOKED.value})

    def pruned(self, now: int) -> Self:
        """The list without expired keys; revoked ones stay."""
        return type(self)(
            tuple(
                key
                for key in self.keys
                if key["status"] == ListedKeyStatus.REVOKED or "exp" not in key or key["exp"] > now
            )
        )

    def may_sign(self, kid: str, now: int) -> bool:
        """Whether devices accept a verdict that this key signs now until it expires."""
        return any(key["kid"] == kid and _may_sign(key, now) for key in self.keys)

    def signing(self, now: int) -> tuple[str, ...]:
        """The names of all keys that may sign now."""
        return tuple(key["kid"] for key in self.keys if _may_sign(key, now))

    def _changed(self, kid: str, change: Jwk) -> Self:
        if all(key["kid"] != kid for key in self.keys):
            raise KeyRepositoryError(RepositoryFault.KEY_UNKNOWN, f"no verdict key is called {kid}")
        return type(self)(tuple({**key, **change} if key["kid"] == kid else key for key in self.keys))


def _may_sign(key: Jwk, now: int) -> bool:
    begun = "nbf" not in key or key["nbf"] + limits.SKEW <= now
    lasts = "exp" not in key or now <= key["exp"] - TAIL
    return key["status"] == ListedKeyStatus.ACTIVE and begun and lasts
