"""The keys that verify verdicts, read from a JWK Set (RFC 7517).

An unfit key is left out and listed with the reason; the other keys of the set remain usable. The `kid` of a key with
`status` `revoked` is recorded, so that a verdict of this key is rejected as such. A key can have a validity period
(`nbf` and `exp`), which step 5 compares with the time.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

from agent.verification import keys as algorithms
from agent.verification import strict_json
from agent.verification.keys import KeyRejection, VerdictKey
from agent.verification.strict_json import JsonFault
from agent.verification.validity import ALWAYS, Validity
from wire import limits

KEYS_MAX: Final = 64
"""Most keys in a JWK Set."""

# The alphabet of `wire.model.Code`. A thumbprint (RFC 7638) is a common name and can begin with `-` or `_`.
_KID: Final = re.compile(rf"[A-Za-z0-9._:-]{{1,{limits.CODE_MAX}}}")
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv", "priv_exp", "seed"})


class JwkStatus(StrEnum):
    """`status` of a key. A key without it is active."""

    ACTIVE = "active"
    REVOKED = "revoked"


class KeySetFault(StrEnum):
    """Why a document is not a JWK Set."""

    NOT_JSON = "not-json"
    NO_KEYS_MEMBER = "no-keys-member"
    TOO_MANY_KEYS = "too-many-keys"


class KeySetError(ValueError):
    """The document is not a usable JWK Set. `fault` is the reason."""

    def __init__(self, fault: KeySetFault) -> None:
        super().__init__(f"{fault}: give a JWK Set (RFC 7517 section 5) of at most {KEYS_MAX} keys")
        self.fault: Final = fault


@dataclass(frozen=True, slots=True)
class RejectedKey:
    """A key that was left out: its index in the set, its `kid` if well-formed, and the reason."""

    index: int
    kid: str | None
    reason: KeyRejection


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys by `kid`, immutable. With the empty set, `KeySet()`, no verdict verifies.

    `unfit` are the names of the keys that were left out. `timed` is true if a key has a validity period.
    """

    keys: tuple[VerdictKey, ...] = ()
    revoked: frozenset[str] = frozenset()
    left_out: tuple[RejectedKey, ...] = ()
    unfit: frozenset[str] = field(init=False, repr=False, compare=False)
    timed: bool = field(init=False, repr=False, compare=False)
    _by_kid: Mapping[str, VerdictKey] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "unfit", frozenset(entry.kid for entry in self.left_out if entry.kid))
        object.__setattr__(self, "timed", any(key.validity is not ALWAYS for key in self.keys))
        object.__setattr__(self, "_by_kid", MappingProxyType({key.kid: key for key in self.keys}))

    @classmethod
    def from_jwks(cls, document: Mapping[str, object] | str | bytes) -> Self:
        """Read a JWK Set, as a mapping or as JSON. Raises KeySetError.

        >>> KeySet.from_jwks({"keys": [{"kty": "oct", "kid": "a", "k": "AA"}]}).left_out[0].reason.value
        'private-material'
        """
        entries = _entries(document)
        times_named = Counter(entry.kid for entry in entries)
        keys: list[VerdictKey] = []
        left_out: list[RejectedKey] = []
        active = [entry for entry in entries if not entry.revoked]
        for entry in active:
            key = KeyRejection.KID_DUPLICATE if entry.kid and times_named[entry.kid] > 1 else entry.key()
            if isinstance(key, KeyRejection):
                left_out.append(RejectedKey(entry.index, entry.kid, key))
            else:
                keys.append(key)
        revoked = frozenset(entry.kid for entry in entries if entry.kid and entry.revoked)
        return cls(tuple(keys), revoked, tuple(left_out))

    def find(self, kid: str) -> VerdictKey | None:
        """The active key with this name, or None."""
        return self._by_kid.get(kid)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One element of `keys` in the document."""

    index: int
    value: object

    @property
    def jwk(self) -> Mapping[str, object]:
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def kid(self) -> str | None:
        kid = self.jwk.get("kid")
        return kid if isinstance(kid, str) and _KID.fullmatch(kid) else None

    @property
    def revoked(self) -> bool:
        """Whether the key is revoked, even if it is invalid otherwise."""
        return self.kid is not None and self.jwk.get("status") == JwkStatus.REVOKED

    def key(self) -> VerdictKey | KeyRejection:
        """The key, or why it is rejected."""
        if not isinstance(self.value, Mapping):
            return KeyRejection.NOT_AN_OBJECT
        if self.kid is None:
            return KeyRejection.KID_MALFORMED if "kid" in self.jwk else KeyRejection.KID_MISSING
        validity = Validity.from_jwk(self.jwk)
        if validity is None:
            return _unfit_for_verdicts(self.jwk) or KeyRejection.VALIDITY_MALFORMED
        return _unfit_for_verdicts(self.jwk) or algorithms.read(self.kid, self.jwk, validity)


def _entries(document: Mapping[str, object] | str | bytes) -> list[_Entry]:
    if isinstance(document, str):
        document = document.encode("utf-8", "surrogatepass")  # which is not UTF-8 then, and rejected as such
    members = strict_json.read(document) if isinstance(document, bytes) else document
    if isinstance(members, JsonFault):
        raise KeySetError(KeySetFault.NOT_JSON)
    values = members.get("keys")
    if not isinstance(values, (list, tuple)):
        raise KeySetError(KeySetFault.NO_KEYS_MEMBER)
    if len(values) > KEYS_MAX:
        raise KeySetError(KeySetFault.TOO_MANY_KEYS)
    return [_Entry(index, value) for index, value in enumerate(values)]


def _unfit_for_verdicts(jwk: Mapping[str, object]) -> KeyRejection | None:
    if not _PRIVATE.isdisjoint(jwk):
        return KeyRejection.PRIVATE_MATERIAL
    if jwk.get("use", "sig") != "sig":
        return KeyRejection.USE_NOT_SIGNATURE
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, (list, tuple)) or "verify" not in operations:
        return KeyRejection.KEY_OPS_WITHOUT_VERIFY
    if jwk.get("status", JwkStatus.ACTIVE) != JwkStatus.ACTIVE:
        return KeyRejection.STATUS_UNKNOWN
    return None
