"""What a transaction writes, and the store that begins transactions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final, Protocol

from sqlalchemy import ClauseElement
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor

from server_stub.evidence.challenges import SpendableNonce
from server_stub.store import rows, statements
from server_stub.store.reading import Reading, numbered
from server_stub.store.records import (
    AuditEntry,
    CampaignPeriod,
    Device,
    IdempotentAnswer,
    InForce,
    InjectedFault,
    PolicyFixedError,
    PolicyVersion,
    PruneResult,
    RecordKind,
    RetentionStep,
    Shipment,
    VerdictRecord,
)
from server_stub.store.schema import DEVICES, REPOSITORY_FILES, VERDICTS
from wire.limits import SKEW

POSTGRESQL: Final = "postgresql"
_CLEANUP_SECONDS: Final = 30

_LOCK: Final = 0x7075626C697368
"""`publish` in ASCII: PostgreSQL's advisory lock of the key repository, shared by the transactions that sign."""
_BEGIN_PUBLICATION: Final = f"SELECT pg_advisory_xact_lock({_LOCK})"
_BEGIN_SIGNING: Final = f"SELECT pg_advisory_xact_lock_shared({_LOCK}); {statements.SELECT_NUMBERS}"


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
        spent = {bytes(row[0]) for row in self._run(spend, **numbered(("nonce", "until"), pairs)).fetchall()}
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
