"""The protocols and errors of the store."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Final, Protocol

from server_stub.evidence.challenges import SpendableNonce
from server_stub.store.entities import (
    AuditEntry,
    CampaignPeriod,
    Device,
    IdempotentAnswer,
    InForce,
    InjectedFault,
    PolicyVersion,
    Shipment,
    VerdictRecord,
)
from server_stub.store.queries import PAGE_MAX, AuditQuery, DeviceQuery, Page
from server_stub.store.retention import PruneResult, RecordKind, RetentionStep


class NonceSpentError(Exception):
    """The nonce was spent before."""


class StoreFault(StrEnum):
    """Why a store cannot be read or written. Stable codes."""

    FULL = "store-full"
    """The disk, a quota or the database has no space."""
    LOCKED = "store-locked"
    """Another program uses the database, or it does not respond in time."""
    READ_ONLY = "store-read-only"
    """The database or its folder cannot be written."""
    UNAVAILABLE = "store-unavailable"
    """Anything else."""


class StoreUnavailableError(Exception):
    """The store cannot be read or written now."""

    def __init__(self, message: str = "", fault: StoreFault = StoreFault.UNAVAILABLE) -> None:
        super().__init__(message)
        self.fault = fault


class SchemaError(StoreUnavailableError):
    """This server cannot use the database: it belongs to another program or a newer server."""


class PolicyFixedError(Exception):
    """A policy version that has been in force cannot be changed; a change needs a higher version."""


class Reading(Protocol):
    """Read access. Pages have 1 to 1000 items; an `after` that no page ended with raises CursorError."""

    def device(self, sub: str) -> Device | None:
        """The device with this pseudonym."""

    def devices(self, query: DeviceQuery, *, after: str | None = None, limit: int = 100) -> Page[Device]:
        """The devices that `query` describes, in the order of their pseudonyms."""

    def key_of(self, sub: str, back: int) -> str | None:
        """The thumbprint in `cnf` of the device's newest verdict, or of the `back`-th different key before it."""

    def history(self, sub: str, *, after: str | None = None, limit: int = 100) -> Page[VerdictRecord]:
        """The verdicts about a device, attested or not, newest first."""

    def audit(self, query: AuditQuery, *, after: str | None = None, limit: int = 100) -> Page[AuditEntry]:
        """The audit entries that `query` describes, newest first."""

    def policies(self) -> tuple[PolicyVersion, ...]:
        """All versions of all policies, by id and version."""

    def policy(self, policy_id: str, version: int) -> PolicyVersion | None:
        """One version of a policy."""

    def in_force(self) -> InForce | None:
        """The policy version in force, None if none was ever put in force."""

    def in_force_history(self) -> tuple[InForce, ...]:
        """Every policy version that was put in force, oldest first."""

    def campaigns(self) -> tuple[CampaignPeriod, ...]:
        """The newest period of each campaign that an operator has declared, by id."""

    def revision(self) -> int:
        """A number that rises with each `put_in_force` and `put_campaign` of any process."""

    def faults(self) -> tuple[InjectedFault, ...]:
        """The faults that are not used up, in the order in which they were added."""

    def shipment_of(self, tac: str, serial: int) -> Shipment | None:
        """The shipment that a device was in; of overlapping shipments, the one that was added last."""

    def answer(self, key: str) -> IdempotentAnswer | None:
        """The response that is stored under an idempotency key.

        In a transaction, other transactions cannot read or write this key before it ends: the second of two equal
        simultaneous requests finds the response to the first.
        """

    def admin_token_hash(self) -> str | None:
        """The hash of the admin token. In a transaction, other transactions cannot read it before this one ends."""

    def newest_at(self) -> int | None:
        """The time of the newest verdict or audit entry, without verdicts from before the clock was accepted."""

    def clock_behind(self) -> bool:
        """Whether the clock was noted as behind, and not accepted since."""

    def expectations(self) -> str | None:
        """What an extension of the server expects of evidence, in a form of its own; None for nothing."""

    def test_clock(self) -> int | None:
        """The seconds by which the test clock is ahead of the real one, None if this database has no test clock.

        In a transaction, other transactions cannot read it before this one ends.
        """

    def old(self, kind: RecordKind, before: int, now: int) -> PruneResult:
        """What pruning every record of this kind from before a time would do."""

    def oldest(self, kind: RecordKind, now: int) -> int | None:
        """The time of the oldest record that can be pruned, however new it is. Open cases do not count."""


class Transaction(Reading, Protocol):
    """All or nothing. Other transactions cannot change what it has read before it ends."""

    def spend_nonce(self, nonce: SpendableNonce, now: int) -> None:
        """Spend a nonce. Raises NonceSpentError."""

    def put_device(self, device: Device) -> None:
        """Insert or replace a device. Its serial never falls."""

    def append_verdict(self, record: VerdictRecord) -> None:
        """Append a verdict. Records are never changed."""

    def next_unattested_serial(self) -> int:
        """One more than the verdicts about unattested devices so far. They are counted in place of a record."""

    def prune(self, step: RetentionStep) -> PruneResult:
        """Prune the records of one step, except those of open cases."""

    def append_audit(self, entry: AuditEntry) -> None:
        """Append an audit entry. Entries are never changed; the store gives them their ids."""

    def put_policy(self, version: PolicyVersion) -> None:
        """Insert or replace a version of a policy.

        Raises PolicyFixedError if this version has been in force with another text.
        """

    def put_in_force(self, entry: InForce) -> None:
        """Put a version of a policy in force from now on. Appended, never changed."""

    def put_campaign(self, period: CampaignPeriod) -> None:
        """Declare when a campaign runs. Appended, never changed; the newest period of a campaign counts."""

    def add_fault(self, fault: InjectedFault) -> InjectedFault:
        """Append a fault, and return it with its id. Faults that are used up are deleted."""

    def use_fault(self, number: int) -> bool:
        """Count an injection of the fault with this id. Returns False, and counts nothing, if it is used up or gone."""

    def delete_fault(self, number: int) -> None:
        """Delete the fault with this id, if there is one."""

    def add_shipments(self, shipments: Iterable[Shipment]) -> None:
        """Append shipments."""

    def put_answer(self, answer: IdempotentAnswer) -> None:
        """Insert or replace the response under its key."""

    def delete_expired_answers(self, now: int) -> None:
        """Delete the responses that have expired."""

    def set_admin_token_hash(self, hashed: str) -> None:
        """Replace the admin token, of which the store gets only a hash."""

    def accept_clock(self, now: int) -> None:
        """Ignore the times of all present verdicts from now on: they may be by a wrong clock.

        A device that was seen later than `now` counts as seen now, and locks as much earlier.
        """

    def note_clock_behind(self) -> None:
        """Note that the clock is before the newest record or publication. `accept_clock` removes the note."""

    def probe(self, content: bytes) -> None:
        """Replace what the previous probe wrote by `content`."""

    def set_expectations(self, text: str | None) -> None:
        """Replace what is expected of evidence."""

    def set_test_clock(self, ahead: int) -> None:
        """Store how many seconds the test clock is ahead of the real one."""


class Store(Protocol):
    """What the server persists."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Commits at the end of the block, durably unless in memory. Raises StoreUnavailableError."""

    def reading(self) -> AbstractContextManager[Reading]:
        """A snapshot; writers do not wait for it. Raises StoreUnavailableError."""

    def check(self) -> None:
        """Raises StoreUnavailableError if nothing could be stored now."""

    def close(self) -> None:
        """Close every connection."""


_ALL: Final = DeviceQuery()


def every_device(reading: Reading, query: DeviceQuery = _ALL) -> Iterator[Device]:
    """All devices that `query` finds, read page by page so that memory does not grow with their number."""
    after = None
    while True:
        page = reading.devices(query, after=after, limit=PAGE_MAX)
        yield from page.items
        if page.next is None:
            return
        after = page.next
