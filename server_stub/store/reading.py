"""Reading from SQL, over a driver's cursor in a transaction."""

# ruff: noqa: D102 - the protocol says what each method does

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.engine.interfaces import DBAPICursor

from server_stub.store import rows, searches
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
from server_stub.store.queries import (
    AuditQuery,
    DeviceQuery,
    Page,
    check_limit,
    decode_cursor,
    decode_number,
    encode_cursor,
)
from server_stub.store.statements import Statement, Statements

T = TypeVar("T")


class SqlReading:
    """Implements `Reading`."""

    def __init__(self, cursor: DBAPICursor, statements: Statements) -> None:
        self._cursor = cursor
        self._statements = statements

    def device(self, sub: str) -> Device | None:
        self._statements.device(self._cursor, {"sub": sub})
        row = self._cursor.fetchone()
        return None if row is None else rows.device(row)

    def devices(self, query: DeviceQuery, *, after: str | None = None, limit: int = 100) -> Page[Device]:
        check_limit(limit)
        begin = None if after is None else decode_cursor(after)
        found = self._search(searches.devices(query, begin, limit + 1))
        return page(found, limit, rows.device, lambda device: device.sub)

    def key_of(self, sub: str, back: int) -> str | None:
        self._statements.key_of(self._cursor, {"sub": sub, "count": 1, "back": back})
        row = self._cursor.fetchone()
        return None if row is None else str(row[0])

    def history(self, sub: str, *, after: str | None = None, limit: int = 100) -> Page[VerdictRecord]:
        check_limit(limit)
        before = None if after is None else decode_number(after)
        found = self._search(searches.history(sub, before, limit + 1))
        return page(found, limit, rows.record, lambda record: record.verdict.serial)

    def audit(self, query: AuditQuery, *, after: str | None = None, limit: int = 100) -> Page[AuditEntry]:
        check_limit(limit)
        before = None if after is None else decode_number(after)
        found = self._search(searches.audit(query, before, limit + 1))
        return page(found, limit, rows.audit_entry, lambda entry: entry.id)

    def policies(self) -> tuple[PolicyVersion, ...]:
        return self._all(self._statements.policies, rows.policy)

    def policy(self, policy_id: str, version: int) -> PolicyVersion | None:
        return self._one(self._statements.policy, rows.policy, policy_id=policy_id, version=version)

    def in_force(self) -> InForce | None:
        return self._one(self._statements.in_force, rows.in_force)

    def in_force_history(self) -> tuple[InForce, ...]:
        return self._all(self._statements.in_force_history, rows.in_force)

    def campaigns(self) -> tuple[CampaignPeriod, ...]:
        return self._all(self._statements.campaigns, rows.campaign)

    def revision(self) -> int:
        return self._one(self._statements.revision, lambda row: int(row[0])) or 0

    def shipment_of(self, tac: str, serial: int) -> Shipment | None:
        return self._one(self._statements.shipment_of, rows.shipment, tac=tac, serial=serial)

    def answer(self, key: str) -> IdempotentAnswer | None:
        return self._one(self._statements.answer_for, rows.answer, key=key)

    def admin_token_hash(self) -> str | None:
        return self._one(self._statements.admin_token_hash, lambda row: row[0])

    def _one(self, statement: Statement, entity: Callable[[rows.Row], T], **values: object) -> T | None:
        statement(self._cursor, values)
        row = self._cursor.fetchone()
        return None if row is None else entity(row)

    def _all(self, statement: Statement, entity: Callable[[rows.Row], T]) -> tuple[T, ...]:
        statement(self._cursor)
        return tuple(entity(row) for row in self._cursor.fetchall())

    def _search(self, wanted: Select[Any]) -> Sequence[rows.Row]:
        self._statements.of(wanted)(self._cursor)
        return self._cursor.fetchall()


def page(
    found: Sequence[rows.Row], limit: int, entity: Callable[[rows.Row], T], key: Callable[[T], str | int]
) -> Page[T]:
    """One row more was looked for than is answered: it tells whether there is a next page."""
    items = tuple(entity(row) for row in found[:limit])
    return Page(items, encode_cursor(key(items[-1])) if len(found) > limit else None)
