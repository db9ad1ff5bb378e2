"""What a transaction or a snapshot of the store reads."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import ClauseElement, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor

from server_stub.store import rows, statements
from server_stub.store.records import (
    PAGE_MAX,
    AuditEntry,
    AuditQuery,
    CampaignPeriod,
    Device,
    DeviceQuery,
    IdempotentAnswer,
    InForce,
    InjectedFault,
    Page,
    PolicyVersion,
    PruneResult,
    RecordKind,
    Shipment,
    VerdictRecord,
    check_limit,
    decode_cursor,
    decode_number,
    encode_cursor,
)

T = TypeVar("T")

Unit = tuple[str, int]
"""What an IMEI identifies: a type allocation code and a serial number (3GPP TS 23.003 clause 6.2.1)."""


def numbered(names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    """The parameters of a statement for several rows."""
    return {
        f"{name}{number}": value
        for number, row in enumerate(rows)
        for name, value in zip(names, row, strict=True)
    }


class Reading:
    """Read access. Pages have 1 to 1000 items; an `after` that no page ended with raises CursorError."""

    has_published = False
    """Whether this transaction has published, which may still be rolled back."""

    def __init__(self, cursor: DBAPICursor, dialect: Dialect, *, locks: bool = False) -> None:
        self._cursor = cursor
        self._dialect = dialect
        self._locks = locks
        self._numbers: tuple[int, int] | None = None

    def device(self, sub: str) -> Device | None:
        """The device with this pseudonym."""
        statement = statements.device(lock=self._locks)
        found = self._one(rows.device, statement, sub=sub)
        if found is None and self._lock_name(f"device {sub}"):
            found = self._one(rows.device, statement, sub=sub)
        return found

    def known_devices(self, subs: Collection[str]) -> dict[str, Device]:
        """The devices with these pseudonyms, as far as they exist. A transaction locks all, in their order."""
        ordered = sorted(subs)
        if not ordered:
            return {}
        names = numbered(("sub",), [(sub,) for sub in ordered])
        search = partial(statements.known_devices, len(ordered))
        found: Iterable[Device | None] = self._all(rows.device, search(lock=False), **names)
        if self._locks and len(tuple(found)) == len(ordered):
            found = self._all(rows.device, search(lock=True), **names)
        elif self._locks:
            # One that does not exist yet is locked by its name, in the order of all.
            found = map(self.device, ordered)
        return {device.sub: device for device in found if device}

    def devices(self, query: DeviceQuery, *, after: str | None = None, limit: int = 100) -> Page[Device]:
        """The devices that `query` describes, in the order of their pseudonyms."""
        check_limit(limit)
        start = None if after is None else decode_cursor(after)
        search = statements.devices(query, start, limit + 1)
        found = self._page(search, limit, rows.device, lambda device: device.sub)
        if not self._locks:
            return found
        locked = statements.locked_devices([device.sub for device in found.items])
        return Page(self._all(rows.device, locked), found.next)

    def key_of(self, sub: str, back: int) -> str | None:
        """The thumbprint in `cnf` of the device's newest verdict, or of the `back`-th different key before it."""
        return self._text(statements.KEY_OF, sub=sub, count=1, back=back)

    def history(self, sub: str, *, after: str | None = None, limit: int = 100) -> Page[VerdictRecord]:
        """The verdicts about a device, attested or not, newest first."""
        check_limit(limit)
        before = None if after is None else decode_number(after)
        search = statements.history(sub, before, limit + 1)
        return self._page(search, limit, rows.record, lambda record: record.verdict.serial)

    def audit(self, query: AuditQuery, *, after: str | None = None, limit: int = 100) -> Page[AuditEntry]:
        """The audit entries that `query` describes, newest first."""
        check_limit(limit)
        before = None if after is None else decode_number(after)
        search = statements.audit(query, before, limit + 1)
        return self._page(search, limit, rows.audit_entry, lambda entry: entry.id)

    def policies(self) -> tuple[PolicyVersion, ...]:
        """All versions of all policies, by id and version."""
        return self._all(lambda row: PolicyVersion(*row), statements.POLICIES)

    def policy(self, policy_id: str, version: int) -> PolicyVersion | None:
        """One version of a policy."""
        return self._one(
            lambda row: PolicyVersion(*row), statements.POLICY, policy_id=policy_id, version=version
        )

    def in_force(self) -> InForce | None:
        """The policy version in force, None if none was ever put in force."""
        return self._one(lambda row: InForce(*row[1:]), statements.IN_FORCE)

    def in_force_history(self) -> tuple[InForce, ...]:
        """Every policy version that was put in force, oldest first."""
        return self._all(lambda row: InForce(*row[1:]), statements.IN_FORCE_HISTORY)

    def campaigns(self) -> tuple[CampaignPeriod, ...]:
        """The newest period of each campaign that an operator has declared, by id."""
        return self._all(lambda row: CampaignPeriod(*row[1:]), statements.CAMPAIGNS)

    def revision(self) -> int:
        """A number that rises with each `put_in_force` and `put_campaign` of any process."""
        return self._read_numbers()[0]

    def publication(self) -> int:
        """A number that rises with each publication of the key repository by any process; 0 before the first."""
        return self._read_numbers()[1]

    def repository_file(self, name: str) -> bytes | None:
        """A file of the key repository, None if there is none of this name."""
        return self._one(lambda row: bytes(row[0]), statements.REPOSITORY_FILE, name=name)

    def repository_files(self) -> dict[str, bytes]:
        """All files of the key repository by their names."""
        return dict(self._all(lambda row: (row[0], bytes(row[1])), statements.ALL_REPOSITORY_FILES))

    def faults(self) -> tuple[InjectedFault, ...]:
        """The faults that are not used up, in the order in which they were added."""
        return self._all(rows.fault, statements.FAULTS_LEFT)

    def shipments_of(self, units: Sequence[Unit]) -> dict[Unit, Shipment]:
        """The shipment that each of `units` was in; of overlapping shipments, the one that was added last."""
        if not units:
            return {}
        search = statements.shipments_of(len(units))
        shipments = self._all(lambda row: Shipment(*row[1:]), search, **numbered(("tac", "serial"), units))
        return {unit: shipment for shipment in shipments for unit in units if shipment.has(*unit)}

    def answer(self, key: str) -> IdempotentAnswer | None:
        """The response that is stored under an idempotency key.

        In a transaction, other transactions cannot read or write this key before it ends: the second of two equal
        simultaneous requests finds the response to the first.
        """
        self._lock_name(f"answer {key}")
        return self._one(rows.answer, statements.ANSWER, key=key)

    def admin_token_hash(self) -> str | None:
        """The hash of the admin token. In a transaction, other transactions cannot read it before this one ends."""
        return self._text(statements.state("admin_token_hash", lock=self._locks))

    def old(self, kind: RecordKind, before: int, now: int) -> PruneResult:
        """What pruning every record of this kind from before a time would do."""
        [(found, kept)] = self._all(tuple, statements.count(kind, before, now))
        return PruneResult(int(found) - int(kept), int(kept))

    def oldest(self, kind: RecordKind, now: int) -> int | None:
        """The time of the oldest record that can be pruned, however new it is. Open cases do not count."""
        return self._number(statements.oldest(kind, now))

    def newest_at(self) -> int | None:
        """The time of the newest verdict or audit entry, without verdicts from before the clock was accepted."""
        return self._number(statements.NEWEST_AT)

    def clock_behind(self) -> bool:
        """Whether the clock was noted as behind, and not accepted since."""
        return bool(self._number(statements.CLOCK_BEHIND))

    def test_clock(self) -> int | None:
        """The seconds by which the test clock is ahead of the real one, None if this database has no test clock.

        In a transaction, other transactions cannot read it before this one ends.
        """
        return self._number(statements.state("test_clock", lock=self._locks))

    def expectations(self) -> str | None:
        """What an extension of the server expects of evidence, in a form of its own; None for nothing."""
        return self._text(statements.state("expectations"))

    def _read_numbers(self) -> tuple[int, int]:
        """Revision and publication, from one statement."""
        if self._numbers is None:
            [(revision, publication)] = self._run(statements.NUMBERS).fetchall()
            self._numbers = revision, publication
        return self._numbers

    def _lock_name(self, name: str) -> bool:
        """Lock a row that may not exist yet, if rows are locked. Returns whether it may have been changed before."""
        if self._locks:
            # Two names may share a lock, which only costs time.
            self._cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))", {"name": name}
            )
        return self._locks

    def _run(self, statement: ClauseElement, **values: object) -> DBAPICursor:
        return statements.execute(self._cursor, self._dialect, statement, values)

    def _text(self, statement: ClauseElement, **values: object) -> str | None:
        return self._one(lambda row: row[0], statement, **values)

    def _number(self, statement: ClauseElement) -> int | None:
        return self._one(lambda row: row[0], statement)

    def _one(self, entity: Callable[[rows.Row], T], statement: ClauseElement, **values: object) -> T | None:
        row = self._run(statement, **values).fetchone()
        return None if row is None else entity(row)

    def _all(
        self, entity: Callable[[rows.Row], T], statement: ClauseElement, **values: object
    ) -> tuple[T, ...]:
        return tuple(entity(row) for row in self._run(statement, **values).fetchall())

    def _page(
        self, search: Select[Any], limit: int, entity: Callable[[rows.Row], T], key: Callable[[T], str | int]
    ) -> Page[T]:
        """A page of `limit` items. `search` requests one more row, which shows whether there is a next page."""
        found = self._run(search).fetchall()
        items = tuple(entity(row) for row in found[:limit])
        return Page(items, encode_cursor(key(items[-1])) if len(found) > limit else None)


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
