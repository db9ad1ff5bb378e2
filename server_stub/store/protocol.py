"""The protocol of the server's memory: what every store does."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from server_stub.evidence.challenges import SpendableNonce
from server_stub.store.entities import (
    AuditEntry,
    CampaignPeriod,
    Device,
    IdempotentAnswer,
    InForce,
    PolicyVersion,
    Shipment,
    VerdictRecord,
)
from server_stub.store.queries import AuditQuery, DeviceQuery, Page


class Reading(Protocol):
    """What can be asked. Pages have 1 to 1000 items and raise CursorError for an `after` that is no page's end."""

    def device(self, sub: str) -> Device | None:
        """The device of that pseudonym."""
        ...

    def devices(self, query: DeviceQuery, *, after: str | None = None, limit: int = 100) -> Page[Device]:
        """The devices that `query` describes, in the order of their pseudonyms."""
        ...

    def key_of(self, sub: str, back: int) -> str | None:
        """The thumbprint in `cnf` of that device's newest verdict, or of the `back`-th other key before that."""
        ...

    def history(self, sub: str, *, after: str | None = None, limit: int = 100) -> Page[VerdictRecord]:
        """The verdicts about a device or a stranger, newest first."""
        ...

    def audit(self, query: AuditQuery, *, after: str | None = None, limit: int = 100) -> Page[AuditEntry]:
        """The audit entries that `query` describes, newest first."""
        ...

    def policies(self) -> tuple[PolicyVersion, ...]:
        """All versions of all policies, by id and version."""
        ...

    def policy(self, policy_id: str, version: int) -> PolicyVersion | None:
        """One version of a policy."""
        ...

    def in_force(self) -> InForce | None:
        """What decides now. None in a database in which nothing was ever put in force."""
        ...

    def in_force_history(self) -> tuple[InForce, ...]:
        """All that ever was in force, oldest first."""
        ...

    def campaigns(self) -> tuple[CampaignPeriod, ...]:
        """What an operator said last of each campaign, by id."""
        ...

    def revision(self) -> int:
        """A number that rises with each `put_in_force` and `put_campaign`, whichever process it was."""
        ...

    def shipment_of(self, tac: str, serial: int) -> Shipment | None:
        """The shipment that a phone was in; where shipments overlap, the one that was added last."""
        ...

    def answer(self, key: str) -> IdempotentAnswer | None:
        """What was answered under an idempotency key.

        In a transaction nobody else can ask for, or keep, an answer under the same key before it ends: of two equal
        requests at once, the second one finds the first one's answer.
        """
        ...

    def admin_token_hash(self) -> str | None:
        """The hash of the admin token. In a transaction nobody else can ask before it ends."""
        ...


class Transaction(Reading, Protocol):
    """All or nothing, and what it has read is not changed by anybody else before it ends."""

    def spend_nonce(self, nonce: SpendableNonce, now: int) -> None:
        """Spend a nonce. Raises NonceSpentError."""
        ...

    def put_device(self, device: Device) -> None:
        """Keep a device, new or changed. Its serial never falls."""
        ...

    def append_verdict(self, record: VerdictRecord) -> None:
        """Append a verdict. Records are never changed."""
        ...

    def append_audit(self, entry: AuditEntry) -> None:
        """Append an audit entry. Entries are never changed; the store gives them their ids."""
        ...

    def put_policy(self, version: PolicyVersion) -> None:
        """Keep a version of a policy, new or changed.

        Raises PolicyFixedError where that version has been in force with another text.
        """
        ...

    def put_in_force(self, entry: InForce) -> None:
        """Let a version of a policy decide from now on. Appended, never changed."""
        ...

    def put_campaign(self, period: CampaignPeriod) -> None:
        """Say when a campaign runs. Appended, never changed; the newest word about a campaign counts."""
        ...

    def add_shipments(self, shipments: Iterable[Shipment]) -> None:
        """Add to what the vendor knows of shipments."""
        ...

    def put_answer(self, answer: IdempotentAnswer) -> None:
        """Keep an answer under its key, in place of an earlier one."""
        ...

    def delete_expired_answers(self, now: int) -> None:
        """Forget the answers whose time is over."""
        ...

    def set_admin_token_hash(self, hashed: str) -> None:
        """Replace the admin token by another, of which the store gets only a hash."""
        ...


class Store(Protocol):
    """The server's memory."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Commits, durably if the store is, where the block ends well. Raises StoreUnavailableError."""
        ...

    def reading(self) -> AbstractContextManager[Reading]:
        """One state of everything, read without making anybody wait. Raises StoreUnavailableError."""
        ...

    def check(self) -> None:
        """Raises StoreUnavailableError where nothing could be stored now."""
        ...

    def close(self) -> None:
        """Give back what the store holds."""
        ...
