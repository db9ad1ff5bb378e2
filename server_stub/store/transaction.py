"""Reading and writing over a driver's cursor in an SQL transaction."""

# ruff: noqa: D102 - the protocol says what each method does

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from sqlalchemy import ClauseElement, Select
from sqlalchemy.engine.interfaces import DBAPICursor

from server_stub.evidence.challenges import SpendableNonce
from server_stub.store import aging, rows, statements
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
from server_stub.store.protocol import NonceSpentError, PolicyFixedError
from server_stub.store.queries import (
    AuditQuery,
    DeviceQuery,
    Page,
    check_limit,
    decode_cursor,
    decode_number,
    encode_cursor,
)
from server_stub.store.retention import PruneResult, RecordKind, RetentionStep
from server_stub.store.statements import Statement, Statements

T = TypeVar("T")

_CLEANUP_SECONDS: Final = 30


class SqlReading:
    """Implements `Reading`."""

    def __init__(self, cursor: DBAPICursor, prepared: Statements) -> None:
        self._cursor = cursor
        self._statements = prepared

    def device(self, sub: str) -> Device | None:
        return self._one(self._statements.device, rows.device, sub=sub)

    def devices(self, query: DeviceQuery, *, after: str | None = None, limit: int = 100) -> Page[Device]:
        check_limit(limit)
        start = None if after is None else decode_cursor(after)
        search = statements.devices(query, start, limit + 1)
        return self._page(search, limit, rows.device, lambda device: device.sub)

    def key_of(self, sub: str, back: int) -> str | None:
        return self._one(self._statements.key_of, lambda row: str(row[0]), sub=sub, count=1, back=back)

    def history(self, sub: str, *, after: str | None = None, limit: int = 100) -> Page[VerdictRecord]:
        check_limit(limit)
        before = None if after is None else decode_number(after)
        search = statements.history(sub, before, limit + 1)
        return self._page(search, limit, rows.record, lambda record: record.verdict.serial)

    def audit(self, query: AuditQuery, *, after: str | None = None, limit: int = 100) -> Page[AuditEntry]:
        check_limit(limit)
        before = None if after is None else decode_number(after)
        search = statements.audit(query, before, limit + 1)
        return self._page(search, limit, rows.audit_entry, lambda entry: entry.id)

    def policies(self) -> tuple[PolicyVersion, ...]:
        return self._all(self._statements.policies, lambda row: PolicyVersion(*row))

    def policy(self, policy_id: str, version: int) -> PolicyVersion | None:
        return self._one(
            self._statements.policy, lambda row: PolicyVersion(*row), policy_id=policy_id, version=version
        )

    def in_force(self) -> InForce | None:
        return self._one(self._statements.in_force, lambda row: InForce(*row[1:]))

    def in_force_history(self) -> tuple[InForce, ...]:
        return self._all(self._statements.in_force_history, lambda row: InForce(*row[1:]))

    def campaigns(self) -> tuple[CampaignPeriod, ...]:
        return self._all(self._statements.campaigns, lambda row: CampaignPeriod(*row[1:]))

    def revision(self) -> int:
        return self._one(self._statements.revision, lambda row: int(row[0])) or 0

    def faults(self) -> tuple[InjectedFault, ...]:
        return self._all(self._statements.faults, rows.fault)

    def shipment_of(self, tac: str, serial: int) -> Shipment | None:
        return self._one(self._statements.shipment_of, lambda row: Shipment(*row[1:]), tac=tac, serial=serial)

    def answer(self, key: str) -> IdempotentAnswer | None:
        return self._one(self._statements.answer, rows.answer, key=key)

    def admin_token_hash(self) -> str | None:
        return self._one(self._statements.admin_token_hash, lambda row: row[0])

    def old(self, kind: RecordKind, before: int, now: int) -> PruneResult:
        [(found, kept)] = self._search(aging.count(kind, before, now))
        return PruneResult(int(found) - int(kept), int(kept))

    def oldest(self, kind: RecordKind, now: int) -> int | None:
        return next((int(row[0]) for row in self._search(aging.oldest(kind, now))), None)

    def newest_at(self) -> int | None:
        return self._one(self._statements.newest_at, lambda row: None if row[0] is None else int(row[0]))

    def clock_behind(self) -> bool:
        return bool(self._one(self._statements.clock_behind, lambda row: row[0]))

    def test_clock(self) -> int | None:
        return self._one(self._statements.test_clock, lambda row: row[0])

    def expectations(self) -> str | None:
        return self._one(self._statements.expectations, lambda row: row[0])

    def _one(self, statement: Statement, entity: Callable[[rows.Row], T], **values: object) -> T | None:
        statement(self._cursor, values)
        row = self._cursor.fetchone()
        return None if row is None else entity(row)

    def _all(self, statement: Statement, entity: Callable[[rows.Row], T]) -> tuple[T, ...]:
        statement(self._cursor)
        return tuple(entity(row) for row in self._cursor.fetchall())

    def _search(self, search: Select[Any]) -> Sequence[rows.Row]:
        self._statements.compile(search)(self._cursor)
        return self._cursor.fetchall()

    def _page(
        self, search: Select[Any], limit: int, entity: Callable[[rows.Row], T], key: Callable[[T], str | int]
    ) -> Page[T]:
        """A page of `limit` items. `search` requests one more row, which shows whether there is a next page."""
        found = self._search(search)
        items = tuple(entity(row) for row in found[:limit])
        return Page(items, encode_cursor(key(items[-1])) if len(found) > limit else None)


class ExpiredNonceCleanup:
    """When this server last deleted expired nonces. Deleting with each verdict would cost a statement."""

    def __init__(self) -> None:
        self._at: int | None = None

    def due(self, now: int) -> bool:
        """Whether to delete now; True at most once in 30 s, and also if the clock was set back."""
        if self._at is not None and self._at <= now < self._at + _CLEANUP_SECONDS:
            return False
        self._at = now
        return True


class SqlTransaction(SqlReading):
    """Implements `Transaction` on a database that runs one transaction at a time."""

    def __init__(self, cursor: DBAPICursor, prepared: Statements, cleanup: ExpiredNonceCleanup) -> None:
        super().__init__(cursor, prepared)
        self._cleanup = cleanup

    def spend_nonce(self, nonce: SpendableNonce, now: int) -> None:
        self._statements.spend_nonce(self._cursor, {"nonce": nonce.value, "until": nonce.until})
        if self._cursor.rowcount == 0:
            raise NonceSpentError
        if self._cleanup.due(now):
            self._statements.delete_expired_nonces(self._cursor, {"now": now})

    def put_device(self, device: Device) -> None:
        self._statements.put_device(self._cursor, rows.device_values(device))

    def append_verdict(self, record: VerdictRecord) -> None:
        self._statements.append_verdict(self._cursor, rows.verdict_values(record))

    def next_unattested_serial(self) -> int:
        return self._one(self._statements.next_unattested_serial, lambda row: int(row[0])) or 0

    def prune(self, step: RetentionStep) -> PruneResult:
        self._execute(aging.open_until(step.before))
        found = self._search(aging.old(step))
        pruned = [(number, known) for _, number, kept, known in found if not kept]
        emptied = [number for number, known in pruned if known and step.kind is RecordKind.VERDICTS]
        if emptied:
            self._execute(aging.prune_inputs(emptied, step.now))
        if len(emptied) < len(pruned):
            self._execute(
                aging.delete_rows(step.kind, sorted({number for number, _ in pruned} - set(emptied)))
            )
        following = step.after(found[-1][0], found[-1][1]) if len(found) == step.limit else None
        return PruneResult(len(pruned), len(found) - len(pruned), following)

    def _execute(self, statement: ClauseElement) -> None:
        self._statements.compile(statement)(self._cursor)

    def append_audit(self, entry: AuditEntry) -> None:
        self._append(self._statements.append_audit, entry)

    def put_policy(self, version: PolicyVersion) -> None:
        known = self.policy(version.id, version.version)
        if known and known.text != version.text:
            values = {"policy_id": version.id, "version": version.version}
            self._statements.has_been_in_force(self._cursor, values)
            if self._cursor.fetchone() is not None:
                raise PolicyFixedError(
                    f"{version.id} {version.version} has been in force; give it a higher version"
                )
        self._append(self._statements.put_policy, version)

    def put_in_force(self, entry: InForce) -> None:
        self._statements.increment_revision(self._cursor)
        self._append(self._statements.put_in_force, entry)

    def put_campaign(self, period: CampaignPeriod) -> None:
        self._statements.increment_revision(self._cursor)
        self._append(self._statements.put_campaign, period)

    def add_fault(self, fault: InjectedFault) -> InjectedFault:
        self._statements.delete_used_faults(self._cursor)
        self._append(self._statements.add_fault, fault)
        [row] = self._cursor.fetchall()
        return replace(fault, id=int(row[0]))

    def use_fault(self, number: int) -> bool:
        self._statements.use_fault(self._cursor, {"number": number})
        return bool(self._cursor.rowcount)

    def delete_fault(self, number: int) -> None:
        self._statements.delete_fault(self._cursor, {"number": number})

    def add_shipments(self, shipments: Iterable[Shipment]) -> None:
        for shipment in shipments:
            self._append(self._statements.add_shipment, shipment)

    def put_answer(self, answer: IdempotentAnswer) -> None:
        self._append(self._statements.put_answer, answer)

    def delete_expired_answers(self, now: int) -> None:
        self._statements.delete_expired_answers(self._cursor, {"now": now})

    def set_admin_token_hash(self, hashed: str) -> None:
        self._statements.set_admin_token_hash(self._cursor, {"admin_token_hash": hashed})

    def accept_clock(self, now: int) -> None:
        self._statements.accept_clock(self._cursor)
        self._statements.see_devices_now(self._cursor, {"now": now})

    def note_clock_behind(self) -> None:
        self._statements.note_clock_behind(self._cursor)

    def probe(self, content: bytes) -> None:
        self._statements.probe(self._cursor, {"content": content})

    def set_test_clock(self, ahead: int) -> None:
        self._statements.set_test_clock(self._cursor, {"ahead": ahead})

    def set_expectations(self, text: str | None) -> None:
        self._statements.set_expectations(self._cursor, {"text": text})

    def _append(self, statement: Statement, entity: rows.FlatEntity) -> None:
        statement(self._cursor, rows.values(entity))


class LockingTransaction(SqlTransaction):
    """Implements `Transaction` on a database that runs transactions concurrently: it locks what it reads.

    A device that does not exist yet has no row to lock; its name is locked instead, and it is looked up again. Devices
    are locked in the order of their names, so two transactions about many devices cannot deadlock.
    """

    def device(self, sub: str) -> Device | None:
        device = self._one(self._statements.device_locked, rows.device, sub=sub)
        if device is None:
            self._lock_name(f"device {sub}")
            device = self._one(self._statements.device_locked, rows.device, sub=sub)
        return device

    def devices(self, query: DeviceQuery, *, after: str | None = None, limit: int = 100) -> Page[Device]:
        found = super().devices(query, after=after, limit=limit)
        locked = self._search(statements.locked_devices([device.sub for device in found.items]))
        return Page(tuple(rows.device(row) for row in locked), found.next)

    def answer(self, key: str) -> IdempotentAnswer | None:
        self._lock_name(f"answer {key}")
        return super().answer(key)

    def admin_token_hash(self) -> str | None:
        return self._one(self._statements.admin_token_hash_locked, lambda row: row[0])

    def test_clock(self) -> int | None:
        return self._one(self._statements.test_clock_locked, lambda row: row[0])

    def _lock_name(self, name: str) -> None:
        """Two names may share a lock, which only costs time."""
        self._cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))", {"name": name})
