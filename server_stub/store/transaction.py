"""Writing to SQL, over a driver's cursor in a transaction."""

# ruff: noqa: D102 - the protocol says what each method does

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy.engine.interfaces import DBAPICursor

from server_stub.evidence.challenges import SpendableNonce
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
from server_stub.store.errors import NonceSpentError, PolicyFixedError
from server_stub.store.queries import DeviceQuery, Page
from server_stub.store.reading import SqlReading
from server_stub.store.statements import Statements

_SWEEP_SECONDS: Final = 30


class ExpiredNonceCleanup:
    """When a server last forgot the nonces that have expired: doing it with each verdict would cost a statement."""

    def __init__(self) -> None:
        self._at: int | None = None

    def due(self, now: int) -> bool:
        """Whether it is time again; if so, it counts as done. A clock that was set back makes it time too."""
        if self._at is not None and self._at <= now < self._at + _SWEEP_SECONDS:
            return False
        self._at = now
        return True


class SqlTransaction(SqlReading):
    """Implements `Transaction` where transactions come one after the other."""

    def __init__(self, cursor: DBAPICursor, statements: Statements, sweep: ExpiredNonceCleanup) -> None:
        super().__init__(cursor, statements)
        self._sweep = sweep

    def spend_nonce(self, nonce: SpendableNonce, now: int) -> None:
        self._statements.spend(self._cursor, {"nonce": nonce.octets, "until": nonce.until})
        if self._cursor.rowcount == 0:
            raise NonceSpentError
        if self._sweep.due(now):
            self._statements.forget_expired(self._cursor, {"now": now})

    def put_device(self, device: Device) -> None:
        self._statements.remember(self._cursor, rows.device_values(device))

    def append_verdict(self, record: VerdictRecord) -> None:
        self._statements.record(self._cursor, rows.verdict_values(record))

    def append_audit(self, entry: AuditEntry) -> None:
        self._statements.append_audit(self._cursor, rows.audit_values(entry))

    def put_policy(self, version: PolicyVersion) -> None:
        known = self.policy(version.id, version.version)
        if known and known.text != version.text and self._has_been_in_force(version):
            raise PolicyFixedError(
                f"{version.id} {version.version} has been in force; give it a higher version"
            )
        self._statements.put_policy(self._cursor, rows.policy_values(version))

    def put_in_force(self, entry: InForce) -> None:
        self._statements.revise(self._cursor)
        self._statements.put_in_force(self._cursor, rows.in_force_values(entry))

    def put_campaign(self, period: CampaignPeriod) -> None:
        self._statements.revise(self._cursor)
        self._statements.put_campaign(self._cursor, rows.campaign_values(period))

    def add_shipments(self, shipments: Iterable[Shipment]) -> None:
        for shipment in shipments:
            self._statements.add_shipment(self._cursor, rows.shipment_values(shipment))

    def put_answer(self, answer: IdempotentAnswer) -> None:
        self._statements.keep_answer(self._cursor, rows.answer_values(answer))

    def delete_expired_answers(self, now: int) -> None:
        self._statements.forget_answers(self._cursor, {"now": now})

    def set_admin_token_hash(self, hashed: str) -> None:
        self._statements.set_admin_token_hash(self._cursor, {"admin_token_hash": hashed})

    def _has_been_in_force(self, version: PolicyVersion) -> bool:
        named: dict[str, Any] = {"policy_id": version.id, "version": version.version}
        self._statements.has_been_in_force(self._cursor, named)
        return self._cursor.fetchone() is not None


class LockingTransaction(SqlTransaction):
    """The same where transactions run side by side: what it reads, it locks until it ends.

    A device that is not there yet has no row to lock; its name is locked instead, and it is looked for again. Devices
    are locked in the order of their names, so that two transactions about many never wait for each other in a circle.
    """

    def device(self, sub: str) -> Device | None:
        return self._locked_device(sub) or self._locked_name(sub)

    def devices(self, query: DeviceQuery, *, after: str | None = None, limit: int = 100) -> Page[Device]:
        found = super().devices(query, after=after, limit=limit)
        again = self._search(searches.locked([device.sub for device in found.items]))
        return Page(tuple(rows.device(row) for row in again), found.next)

    def answer(self, key: str) -> IdempotentAnswer | None:
        self._lock_name(f"answer {key}")
        return super().answer(key)

    def admin_token_hash(self) -> str | None:
        return self._one(self._statements.admin_token_hash_locked, lambda row: row[0])

    def _locked_name(self, sub: str) -> Device | None:
        self._lock_name(f"device {sub}")
        return self._locked_device(sub)

    def _locked_device(self, sub: str) -> Device | None:
        return self._one(self._statements.device_locked, rows.device, sub=sub)

    def _lock_name(self, name: str) -> None:
        """Two names may share a lock, which only makes somebody wait."""
        self._cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))", {"name": name})
