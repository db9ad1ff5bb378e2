"""What the server remembers, and the protocol of its memory. No identifier of a phone or a SIM is in here."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from server_stub.challenges import SpendableNonce
from server_stub.domain.overrides import Override
from server_stub.domain.policy import Activation
from wire.verdict import Verdict


class NonceSpentError(Exception):
    """The nonce was spent before."""


class StoreUnavailableError(Exception):
    """The store cannot be read or written now."""


@dataclass(frozen=True, slots=True)
class Device:
    """An attested phone, by its pseudonym `sub`.

    `locks_at` is when the phone locks by the newest verdict that decided, seconds since the epoch, None for never.
    `override` is what an operator decided about this phone.
    """

    sub: str
    activation: Activation | None
    sale_region: str
    model: str | None
    last_serial: int
    locks_at: int | None = None
    override: Override | None = None


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """A verdict with all that led to it. `token_digest` is SHA-256 over the token, hexadecimal.

    `inputs` are the claims of the evidence with keyed hashes for identifiers; `appraisal` maps each trust claim
    to its reason.
    """

    verdict: Verdict
    identity: str
    inputs: dict[str, Any]
    appraisal: dict[str, str]
    judgement: dict[str, Any]
    token_digest: str


class Transaction(Protocol):
    """All or nothing, and nobody else's in between."""

    def spend(self, nonce: SpendableNonce, now: int) -> None:
        """Spend a nonce. Raises NonceSpentError."""
        ...

    def device(self, sub: str) -> Device | None:
        """The device of that pseudonym."""
        ...

    def remember(self, device: Device) -> None:
        """Keep a device, new or changed."""
        ...

    def key_of(self, sub: str, back: int) -> str | None:
        """The thumbprint in `cnf` of that device's newest verdict, or of the `back`-th other key before that."""
        ...

    def record(self, record: VerdictRecord) -> None:
        """Append a verdict. Records are never changed."""
        ...


class Store(Protocol):
    """The server's memory."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Commits, durably if the store is, where the block ends well. Raises StoreUnavailableError."""
        ...

    def check(self) -> None:
        """Raises StoreUnavailableError where nothing could be stored now."""
        ...

    def close(self) -> None:
        """Give back what the store holds."""
        ...
