"""The online roles, their keys, and the lifetimes of what they sign."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, SSlibKey

from wire.key_repository import ROLE
from wire.limits import TIMESTAMP_LIFETIME

DAY: Final = 24 * 3600


class OnlineRole(StrEnum):
    """Roles whose keys the running server holds (TUF specification section 2.1)."""

    TIMESTAMP = "timestamp"
    SNAPSHOT = "snapshot"
    TARGETS = "targets"
    VERDICT_KEYS = ROLE
    """Delegated by targets; lists only the verdict keys."""


TOP_LEVEL: Final = (OnlineRole.TIMESTAMP, OnlineRole.SNAPSHOT, OnlineRole.TARGETS)
"""The online roles that the root itself names."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds from signing to expiry. A role is signed again when less than half is left.

    `timestamp` bounds how long an attacker can hide a revocation from a device. Raises ValueError if it is longer than
    TIMESTAMP_LIFETIME, from which devices compute when a timestamp was signed, or if a lifetime is not positive.
    """

    timestamp: int = TIMESTAMP_LIFETIME
    snapshot: int = 7 * DAY
    verdict_keys: int = 30 * DAY
    targets: int = 90 * DAY

    def __post_init__(self) -> None:
        if self.timestamp > TIMESTAMP_LIFETIME:
            raise ValueError(
                f"a timestamp lives at most {TIMESTAMP_LIFETIME} s, not {self.timestamp}: devices take it for signed "
                f"{TIMESTAMP_LIFETIME} s before it expires"
            )
        if unusable := [role.value for role in OnlineRole if self.of(role) <= 0]:
            raise ValueError(f"a lifetime is at least 1 s; give one to: {', '.join(unusable)}")

    def of(self, role: OnlineRole) -> int:
        """The lifetime of what `role` signs."""
        lifetime: int = getattr(self, role.name.lower())
        return lifetime


class OnlineKeys:
    """An Ed25519 key for each online role; two roles may share one."""

    def __init__(self, keys: Mapping[OnlineRole, Ed25519PrivateKey]) -> None:
        if missing := [role.value for role in OnlineRole if role not in keys]:
            raise ValueError(f"an online key is missing for: {', '.join(missing)}")
        self._signers = MappingProxyType({role: CryptoSigner(keys[role]) for role in OnlineRole})

    def signer(self, role: OnlineRole) -> CryptoSigner:
        """The signer of `role`."""
        return self._signers[role]

    def public(self, role: OnlineRole) -> SSlibKey:
        """The public key of `role`, as metadata names it."""
        return self._signers[role].public_key


def expiry(now: int, lifetime: int) -> datetime:
    """`lifetime` seconds after `now`, as metadata represents it."""
    return datetime.fromtimestamp(now + lifetime, UTC)
