"""The list of verdict keys: which there are, which may sign, which are revoked. Pure.

`nbf` and `exp` of a key bound the verdicts that phones take under it. The server keeps away from both ends: it
signs only what will have died before the key does, and not before phones whose time lags have the key.
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
"""Seconds that a key outlives its last verdict."""

_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv", "seed"})


class KeyStatus(StrEnum):
    """`status` of a key."""

    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class KeyList:
    """Public JWKs (RFC 7517), each with `kid`, `alg`, `use`, `status`, and `nbf` and `exp` where they bound it."""

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
        """What `to_bytes` wrote. Raises KeyRepositoryError."""
        try:
            return cls.of(*json.loads(content)["keys"])
        except (ValueError, KeyError, TypeError) as error:
            raise KeyRepositoryError(RepositoryFault.KEY_MALFORMED, "the list is not a JWK Set") from error

    def to_bytes(self) -> bytes:
        """The JWK Set: the same list gives the same octets."""
        document = {"keys": [dict(key) for key in self.keys]}
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

    def with_key(self, jwk: Jwk, *, signs_from: int | None = None) -> Self:
        """The list with one more key, which signs from that time on. Raises KeyRepositoryError."""
        _check(jwk)
        if any(key["kid"] == jwk["kid"] for key in self.keys):
            raise KeyRepositoryError(
                RepositoryFault.KEY_LISTED, f"{jwk['kid']} is listed; a name is used once"
            )
        begins = {} if signs_from is None else {"nbf": signs_from - limits.SKEW}
        return type(self)((*self.keys, {"status": KeyStatus.ACTIVE.value, **jwk, **begins}))

    def retiring(self, kid: str, signs_until: int) -> Self:
        """The list with that key to sign until then, and listed until its last verdict has died."""
        return self._changed(kid, {"exp": signs_until + TAIL})

    def revoked(self, kid: str) -> Self:
        """The list with that key revoked. It stays listed, so that phones refuse it by name."""
        return self._changed(kid, {"status": KeyStatus.REVOKED.value})

    def pruned(self, now: int) -> Self:
        """The list without the keys that have died; revoked ones stay."""
        return type(self)(tuple(key for key in self.keys if not _dead(key, now)))

    def may_sign(self, kid: str, now: int) -> bool:
        """Whether a verdict that this key signs now will be taken for as long as it may live."""
        return any(key["kid"] == kid and _may_sign(key, now) for key in self.keys)

    def signing(self, now: int) -> tuple[str, ...]:
        """The names of all keys that may sign now."""
        return tuple(key["kid"] for key in self.keys if _may_sign(key, now))

    def _changed(self, kid: str, change: Jwk) -> Self:
        if all(key["kid"] != kid for key in self.keys):
            raise KeyRepositoryError(RepositoryFault.KEY_UNKNOWN, f"no verdict key is called {kid}")
        return type(self)(tuple({**key, **change} if key["kid"] == kid else key for key in self.keys))


def _check(jwk: object) -> None:
    if not isinstance(jwk, Mapping) or jwk.get("use") != "sig" or not _named(jwk):
        raise KeyRepositoryError(RepositoryFault.KEY_MALFORMED, "a verdict key needs kid, kty and use sig")
    if not _PRIVATE.isdisjoint(jwk):
        raise KeyRepositoryError(RepositoryFault.KEY_MALFORMED, "private members are never published")


def _named(jwk: Jwk) -> bool:
    return isinstance(jwk.get("kid"), str) and isinstance(jwk.get("kty"), str)


def _may_sign(key: Jwk, now: int) -> bool:
    begun = "nbf" not in key or key["nbf"] + limits.SKEW <= now
    lasts = "exp" not in key or now <= key["exp"] - TAIL
    return key["status"] == KeyStatus.ACTIVE and begun and lasts


def _dead(key: Jwk, now: int) -> bool:
    return key["status"] == KeyStatus.ACTIVE and "exp" in key and key["exp"] <= now
