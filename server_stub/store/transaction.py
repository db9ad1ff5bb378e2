"""What a transaction reads and writes, and the store that begins transactions."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import ClauseElement, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor

from server_stub.evidence.challenges import SpendableNonce
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
    PolicyFixedError,
    PolicyVersion,
    PruneResult,
    RecordKind,
    RetentionStep,
    Shipment,
    VerdictRecord,
    check_limit,
    decode_cursor,
    decode_number,
    encode_cursor,
)
from server_stub.store.schema import DEVICES, REPOSITORY_FILES, VERDICTS
from wire.limits import SKEW

T = TypeVar("T")

POSTGRESQL: Final = "postgresql"
_CLEANUP_SECONDS: Final = 30

_LOCK: Final = 0x7075626C697368
"""`publish` in ASCII: PostgreSQL's advisory lock of the key repository, shared by the transactions that sign."""
_BEGIN_PUBLICATION: Final = f"SELECT pg_advisory_xact_lock({_LOCK})"
_BEGIN_SIGNING: Final = f"SELECT pg_advisory_xact_lock_shared({_LOCK}); {statements.SELECT_NUMBERS}"


Unit = tuple[str, int]
"""What an IMEI identifies: a type allocation code and a serial number (3GPP TS 23.003 clause 6.2.1)."""


def _numbered(names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
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
        names = _numbered(("sub",), [(sub,) for sub in ordered])
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
        shipments = self._all(lambda row: Shipment(*row[1:]), search, **_numbered(("tac", "serial"), units))
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


class Transaction(Reading):
    """All or nothing. Other transactions cannot change what it has read before it ends.

    SQLite runs one transaction at a time. PostgreSQL runs them concurrently, so what is read to be changed is locked. A
    device that does not exist yet has no row to lock; its name is locked instead, and it is looked up again. Devices
    are locked in the order of their names, so two transactions about many devices cannot deadlock.

    While a transaction knows `publication` or `revision`, none publishes: a revocation waits for the verdicts that are
    being signed, and later ones see it. A transaction reads one of them, or calls `begin_publication`, before it locks
    a device or changes the state of the server, so that no two wait for each other.
    """

    def __init__(self, cursor: DBAPICursor, dialect: Dialect, cleanup: ExpiredNonceCleanup) -> None:
        super().__init__(cursor, dialect, locks=dialect.name == POSTGRESQL)
        self._cleanup = cleanup
        self._after_commit: list[Callable[[], None]] = []
        self._may_sign = self._may_publish = False

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call this once the transaction is committed, with others in the order in which they were given."""
        self._after_commit.append(call)

    def committed(self) -> None:
        """Call what waits for the commit."""
        for call in self._after_commit:
            call()

    def begin_publication(self) -> None:
        """Wait until all transactions that sign or publish have ended, and let others wait for this one.

        Raises RuntimeError in a transaction that may have signed already: two of them would wait for each other.
        """
        if self._may_publish:
            return
        if self._may_sign:
            raise RuntimeError("a transaction begins a publication before it reads the publication")
        if self._locks:
            self._cursor.execute(_BEGIN_PUBLICATION)
        self._may_publish = True

    def begin_policy_change(self) -> None:
        """Wait until all other transactions that may change the policy in force have ended, and let others wait.

        So what this one reads about policies and campaigns stays as it is until it ends.
        """
        self._read_numbers()  # its lock is taken before this one everywhere
        self._lock_name("policy")
        self._numbers = None

    def publish(self, files: Mapping[str, bytes], number: int | None = None) -> int:
        """Write files of the key repository, and return the number of this publication: the next, or `number`."""
        self.begin_publication()
        put = statements.put(REPOSITORY_FILES, self._dialect.name)
        for name, content in files.items():
            self._run(put, name=name, content=content)
        number = self.publication() + 1 if number is None else number
        self._set(publication=number)
        self._numbers = None
        self.has_published = True
        return number

    def _read_numbers(self) -> tuple[int, int]:
        if self._may_sign or self._may_publish:
            return super()._read_numbers()
        self._may_sign = True
        if not self._locks:
            return super()._read_numbers()
        # One call of two statements, each with its own snapshot: the numbers are those after the wait.
        self._cursor.execute(_BEGIN_SIGNING)
        self._cursor.nextset()
        [(revision, publication)] = self._cursor.fetchall()
        self._numbers = revision, publication
        return self._numbers

    def spend_nonces(self, nonces: Sequence[SpendableNonce], now: int) -> set[bytes]:
        """Spend nonces in their order, and return those that were not spent before.

        Expired ones are deleted when every host regards them as expired.
        """
        spend = statements.spend_nonces(self._dialect.name, len(nonces))
        pairs = [(nonce.value, nonce.until) for nonce in nonces]
        spent = {bytes(row[0]) for row in self._run(spend, **_numbered(("nonce", "until"), pairs)).fetchall()}
        if spent and self._cleanup.due(now):
            self._run(statements.DELETE_EXPIRED_NONCES, now=now - SKEW)
        return spent

    def put_device(self, device: Device) -> None:
        """As `put_devices`."""
        self.put_devices([device])

    def append_verdict(self, record: VerdictRecord) -> None:
        """As `append_verdicts`."""
        self.append_verdicts([record])

    def put_devices(self, devices: Iterable[Device]) -> None:
        """Insert or replace devices. Their serials never fall."""
        self._run_each(statements.put(DEVICES, self._dialect.name), map(rows.device_values, devices))

    def append_verdicts(self, records: Iterable[VerdictRecord]) -> None:
        """Append verdicts. Records are never changed."""
        self._run_each(statements.append(VERDICTS), map(rows.verdict_values, records))

    def next_unattested_serial(self) -> int:
        """One more than the verdicts about unattested devices so far. They are counted in place of a record."""
        return self._number(statements.increment_state("unattested_serial")) or 0

    def prune(self, step: RetentionStep) -> PruneResult:
        """Prune the records of one step, except those of open cases."""
        self._run(statements.open_until(step.before))
        found = self._run(statements.old(step)).fetchall()
        pruned = [(number, known) for _, number, kept, known in found if not kept]
        emptied = [number for number, known in pruned if known and step.kind is RecordKind.VERDICTS]
        if emptied:
            self._run(statements.prune_inputs(emptied, step.now))
        if len(emptied) < len(pruned):
            self._run(
                statements.delete_rows(step.kind, sorted({number for number, _ in pruned} - set(emptied)))
            )
        following = step.after(found[-1][0], found[-1][1]) if len(found) == step.limit else None
        return PruneResult(len(pruned), len(found) - len(pruned), following)

    def append_audit(self, entry: AuditEntry) -> None:
        """Append an audit entry. Entries are never changed; the store gives them their ids."""
        self._append(entry)

    def put_policy(self, version: PolicyVersion) -> None:
        """Insert or replace a version of a policy.

        Raises PolicyFixedError if this version has been in force with another text.
        """
        known = self.policy(version.id, version.version)
        if known and known.text != version.text:
            fixed = {(each.policy_id, each.version) for each in self.in_force_history()}
            if (version.id, version.version) in fixed:
                raise PolicyFixedError(
                    f"{version.id} {version.version} has been in force; give it a higher version"
                )
        self._put(version)

    def put_in_force(self, entry: InForce) -> None:
        """Put a version of a policy in force from now on. Appended, never changed."""
        self._change_policy(entry)

    def put_campaign(self, period: CampaignPeriod) -> None:
        """Declare when a campaign runs. Appended, never changed; the newest period of a campaign counts."""
        self._change_policy(period)

    def add_fault(self, fault: InjectedFault) -> InjectedFault:
        """Append a fault, and return it with its id. Faults that are used up are deleted."""
        self._run(statements.DELETE_USED_FAULTS)
        [row] = self._run(statements.ADD_FAULT, **rows.values(fault)).fetchall()
        return replace(fault, id=int(row[0]))

    def use_fault(self, number: int) -> bool:
        """Count an injection of the fault with this id. Returns False, and counts nothing, if it is used up or gone."""
        return bool(self._run(statements.USE_FAULT, number=number).rowcount)

    def delete_fault(self, number: int) -> None:
        """Delete the fault with this id, if there is one."""
        self._run(statements.DELETE_FAULT, number=number)

    def add_shipments(self, shipments: Iterable[Shipment]) -> None:
        """Append shipments."""
        for shipment in shipments:
            self._append(shipment)

    def put_answer(self, answer: IdempotentAnswer) -> None:
        """Insert or replace the response under its key."""
        self._put(answer)

    def delete_expired_answers(self, now: int) -> None:
        """Delete the responses that have expired."""
        self._run(statements.DELETE_EXPIRED_ANSWERS, now=now)

    def set_admin_token_hash(self, hashed: str) -> None:
        """Replace the admin token, of which the store gets only a hash."""
        self._set(admin_token_hash=hashed)

    def accept_clock(self, now: int) -> None:
        """Ignore the times of all present verdicts from now on: they may be by a wrong clock.

        A device that was seen later than `now` counts as seen now, and locks as much earlier.
        """
        self.begin_publication()
        self._run(statements.ACCEPT_CLOCK)
        self._run(statements.SEE_DEVICES_NOW, now=now)

    def note_clock_behind(self) -> None:
        """Note that the clock is before the newest record or publication. `accept_clock` removes the note."""
        self._set(clock_after=-1)

    def probe(self, content: bytes) -> None:
        """Replace what the previous probe wrote by `content`."""
        self._set(probe=content)

    def set_test_clock(self, ahead: int) -> None:
        """Store how many seconds the test clock is ahead of the real one."""
        self._set(test_clock=ahead)

    def set_expectations(self, text: str | None) -> None:
        """Replace what is expected of evidence."""
        self._set(expectations=text)

    def _change_policy(self, change: InForce | CampaignPeriod) -> None:
        self._read_numbers()  # takes its lock before that of the row
        self._run(statements.increment_state("revision"))
        self._numbers = None
        self._append(change)

    def _set(self, **value: object) -> None:
        """Replace one part of the state of the whole server."""
        [column] = value
        self._run(statements.set_state(column), **value)

    def _run_each(self, statement: ClauseElement, values: Iterable[Mapping[str, object]]) -> None:
        if every := list(values):
            statements.execute_each(self._cursor, self._dialect, statement, every)

    def _append(self, entity: rows.FlatEntity) -> None:
        self._run(statements.append(rows.TABLES[type(entity)]), **rows.values(entity))

    def _put(self, entity: rows.FlatEntity) -> None:
        self._run(statements.put(rows.TABLES[type(entity)], self._dialect.name), **rows.values(entity))


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
