"""The durable store: SQLite by default, PostgreSQL by URL. It begins transactions on the connections of SQLAlchemy.

Committed data survives SIGKILL and a power cut. SQLite has a write-ahead log that is synced at every commit. Its
transactions are serialized: each takes the write lock before it reads, so the serial that it read is still the newest
when it writes. On PostgreSQL a transaction is READ COMMITTED, and rows that are read in order to be changed are locked,
so only transactions about the same device wait for each other. A reading is one snapshot.
"""

import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool

from server_stub.store.database import Database, make_private
from server_stub.store.migrate import NEWEST, READ_VERSION, Migrations, copy_empty_to, migrate
from server_stub.store.reading import Reading
from server_stub.store.records import ConstraintError, StoreFault, StoreUnavailableError
from server_stub.store.schema import VERDICTS
from server_stub.store.statements import prepare_verdicts
from server_stub.store.transaction import ExpiredNonceCleanup, Transaction

CONNECTIONS: Final = 8
"""The maximum number of simultaneous transactions, and so of connections, of one server."""

WAIT_SECONDS: Final = 10
"""How long a transaction waits until another one has ended before the store counts as unavailable."""

_CONNECT_SECONDS: Final = 5
_BUSY_SECONDS: Final = 5
_IDLE_SECONDS: Final = 4
_APPLICATION: Final = "verdict-server"

_PROBE_BYTES: Final = 48 * 1024
"""With SQLite a probe needs more pages than a verdict, which needs 12 to 15 of 4 KiB."""

_PROBE_BYTES_LOCKING: Final = 8 * 1024
"""PostgreSQL allocates more at a time."""

_WRITING, _READING = "BEGIN IMMEDIATE", "BEGIN"
_WRITING_LOCKING = "BEGIN ISOLATION LEVEL READ COMMITTED"
_READING_LOCKING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_SET_LIMITS: Final = """
SELECT set_config(name, wanted, false)
FROM pg_settings JOIN unnest(%s::text[], %s::text[]) AS limits (name, wanted) USING (name)
WHERE source = 'default' OR (setting = '0' AND source <> 'client')
"""
"""0 is no limit; settings in the URL have the source `client`."""

_KEEPALIVES: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""Of this side, for a database server that is gone; milliseconds in the last one."""

_DIALECTS: Final[dict[str, Dialect]] = {}
"""All databases of a kind share one, so that a statement is compiled once for all."""


class SqlStore:
    """Implements `Store` on a database, which `migrations` create if it is empty, and migrate if it is older.

    Without `database` it is in memory: as atomic as a file, gone when the store is closed.
    Raises StoreUnavailableError if it cannot be opened, and SchemaError if it is not for this server. The message does
    not name the database.
    """

    def __init__(
        self, database: Database | Path | str | None = None, migrations: Migrations | None = None
    ) -> None:
        self.database: Final = Database(database)
        self._locking = self.database.is_postgresql
        self._engine = make_engine(self.database)
        self._dialect = _DIALECTS.setdefault(self._engine.dialect.name, self._engine.dialect)
        prepare_verdicts(self._dialect, lock=self._locking)
        driver = self._engine.dialect.loaded_dbapi
        self._errors = (SQLAlchemyError, driver.Error)
        self._constraint_broken = (driver.IntegrityError, driver.DataError)
        # SQLite has no server that could close a connection.
        self._closed_by_server = (driver.OperationalError,) if self._locking else ()
        self._cleanup = ExpiredNonceCleanup()
        self._probes = 0
        self._turn = Lock()
        with ExitStack() as on_failure:
            on_failure.callback(self.close)
            self._migrate(migrations)
            self._file_id = _file_id(self.database)
            on_failure.pop_all()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that is committed at the end of the block, or rolled back if the block raises.

        Raises StoreUnavailableError, which is a ConstraintError if the database reports a broken constraint.
        """
        # Waiting here for SQLite's write lock is cheap; SQLite itself would poll.
        if not self._locking and not self._turn.acquire(timeout=WAIT_SECONDS):
            raise StoreUnavailableError("too many transactions are waiting", StoreFault.LOCKED)
        try:
            with self._run(_WRITING_LOCKING if self._locking else _WRITING) as cursor:
                transaction = Transaction(cursor, self._dialect, self._cleanup)
                yield transaction
        finally:
            if not self._locking:
                self._turn.release()
        transaction.committed()

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """A snapshot. Writers do not wait for it."""
        with self._run(_READING_LOCKING if self._locking else _READING) as cursor:
            yield Reading(cursor, self._dialect)

    def check(self) -> None:
        """Write durably. Raises StoreUnavailableError if nothing can be stored."""
        if self._file_id != _file_id(self.database):
            raise StoreUnavailableError("the file of the database was removed or replaced")
        # Random, since PostgreSQL compresses; of another length than before, since SQLite would overwrite in place.
        size = _PROBE_BYTES_LOCKING if self._locking else _PROBE_BYTES
        with self.transaction() as transaction:
            transaction.probe(os.urandom(size + self._probes % 2))
        self._probes += 1

    def close(self) -> None:
        """Close every connection, those in use when their transactions end."""
        self._engine.dispose()

    def count(self) -> int:
        """The number of recorded verdicts."""
        with self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(VERDICTS)).scalar_one()

    @contextmanager
    def _run(self, begin: str) -> Iterator[DBAPICursor]:
        """One transaction, on a connection that the pool bounds and keeps."""
        try:
            connection, cursor = self._begin(begin)
        except self._errors as error:
            fault = fault_of(error)
            raise StoreUnavailableError(f"the database cannot be used now: {fault}", fault) from error
        committed = False
        try:
            yield cursor
            cursor.execute("COMMIT")
            committed = True
        except self._constraint_broken as error:
            raise ConstraintError("what was written breaks a constraint of the database") from error
        except self._errors as error:
            fault = fault_of(error)
            raise StoreUnavailableError(f"the database did not commit: {fault}", fault) from error
        finally:
            try:
                if not committed:
                    connection.rollback()
                connection.close()
            except self._errors:
                connection.invalidate()

    def _begin(self, statement: str, *, again: bool = True) -> tuple[PoolProxiedConnection, DBAPICursor]:
        """If the database server has closed an idle connection, all are replaced."""
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(statement)
        except self._errors as error:
            connection.invalidate()
            if again and isinstance(error, self._closed_by_server):
                self._engine.dispose()
                return self._begin(statement, again=False)
            raise
        return connection, cursor

    def _migrate(self, migrations: Migrations | None) -> None:
        try:
            if self.database.in_memory:
                copy_empty_to(self._engine)
            elif not self._is_newest():
                migrate(self._engine, self.database, migrations)
        except self._errors as error:
            fault = fault_of(error)
            problem = reason_of(error, self.database) if self._locking else _AT_START.get(fault, _NOT_OURS)
            raise StoreUnavailableError(problem, fault) from error

    def _is_newest(self) -> bool:
        """Whether a file is known to have the newest schema, by the connection that the first transaction will use."""
        if self.database.file is None:
            return False
        try:
            make_private(self.database.file)
        except OSError as error:
            raise StoreUnavailableError(f"{error.strerror}") from error
        with suppress(StoreUnavailableError), self._run(_READING) as cursor:  # `migrate` finds out why
            cursor.execute(READ_VERSION)
            return [tuple(row) for row in cursor.fetchall()] == [(NEWEST,)]
        return False


def _file_id(database: Database) -> tuple[int, int] | None:
    """The identity of the database's file, None without one."""
    with suppress(OSError):
        found = database.file.stat() if database.file else None
        return found and (found.st_dev, found.st_ino)
    return None


def make_engine(database: Database) -> Engine:
    """The engine of `database`. Nothing is connected yet."""
    arguments: dict[str, Any] = {"check_same_thread": False}
    begin = _WRITING
    if database.is_postgresql:
        arguments = {
            "connect_timeout": _CONNECT_SECONDS,
            "fallback_application_name": _APPLICATION,
            **{name: value for name, value in _KEEPALIVES.items() if name not in database.url.query},
        }
        begin = _WRITING_LOCKING
    engine = create_engine(
        database.url,
        hide_parameters=True,  # errors of the database would otherwise quote row contents
        connect_args=arguments,
        poolclass=QueuePool,
        # A database in memory belongs to one connection, which all threads use in turn.
        pool_size=1 if database.in_memory else CONNECTIONS,
        max_overflow=0,
        pool_timeout=WAIT_SECONDS,
        pool_reset_on_return=None,
    )
    event.listen(engine, "connect", _configure_postgresql if database.is_postgresql else _configure_sqlite)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    """WAL with a sync at every commit; the store and not the driver begins transactions."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}").close()
    # If several servers open a new file at the same time, one changes its mode; SQLite does not wait for that itself.
    for left in reversed(range(_BUSY_SECONDS * 100)):
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            break
        except sqlite3.OperationalError as error:
            if not left or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous=FULL").close()


def _configure_postgresql(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """The store and not the driver begins transactions; a commit waits for the disk, whatever the default is.

    No statement waits longer for a lock than on SQLite, and no transaction long for its program, unless the URL or the
    database server limits it otherwise.
    """
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("SET synchronous_commit = on")
    limits = {
        "lock_timeout": f"{_BUSY_SECONDS * 1000:.0f}",
        # A host that stops in a transaction holds its locks for a shorter time than others wait for them.
        "idle_in_transaction_session_timeout": f"{_IDLE_SECONDS * 1000:.0f}",
        # The connections of a host that is gone end.
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }
    cursor.execute(_SET_LIMITS, (list(limits), list(limits.values())))


def fault_of(error: Exception) -> StoreFault:
    """What an error of a database or its driver says about the store."""
    if isinstance(error, PoolTimeoutError):
        return StoreFault.LOCKED
    error = getattr(error, "orig", None) or error  # SQLAlchemy wraps the driver's error
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return _SQLITE_FAULTS.get(code) or _SQLITE_FAULTS.get(code & 0xFF, StoreFault.UNAVAILABLE)
    return _POSTGRESQL_FAULTS.get(getattr(error, "sqlstate", None) or "", StoreFault.UNAVAILABLE)


def reason_of(error: Exception, database: Database) -> str:
    """What the driver of PostgreSQL says, in one line without passwords; with a question if nothing answers there."""
    said = str(getattr(error, "orig", None) or error)
    reason = _BEFORE_REASON.split(said.strip())[-1].partition("\n")[0]
    for password in database.passwords:
        reason = reason.replace(password, "***")
    reason = " ".join(_ERRNO.sub("", reason).split()) or type(error).__name__
    if reason[1:2].islower():
        reason = reason[0].lower() + reason[1:]
    shown = reason if len(reason) <= _REASON_MAX else f"{reason[:_REASON_MAX]}…"
    return f"{shown}; is it running there?" if _NO_ANSWER.search(said) else shown


_REASON_MAX: Final = 200
_BEFORE_REASON: Final = re.compile(r"\bconnection (?:to server .*? )?(?:failed|is bad): |\bFATAL: ")
_ERRNO: Final = re.compile(r"\[Errno -?\d+\] ")
_NO_ANSWER: Final = re.compile("Is the server running|timeout expired")

_NOT_OURS: Final = "it is no database of this server"
_AT_START: Final = {
    StoreFault.FULL: "there is no space for it",
    StoreFault.LOCKED: "another program uses it",
    StoreFault.READ_ONLY: "it or its folder cannot be written",
}

_SQLITE_FAULTS: Final = {
    sqlite3.SQLITE_FULL: StoreFault.FULL,
    # A quota or a limit of the process; SQLite reports only ENOSPC as SQLITE_FULL.
    sqlite3.SQLITE_IOERR_WRITE: StoreFault.FULL,
    sqlite3.SQLITE_IOERR_SHMSIZE: StoreFault.FULL,
    sqlite3.SQLITE_BUSY: StoreFault.LOCKED,
    sqlite3.SQLITE_LOCKED: StoreFault.LOCKED,
    sqlite3.SQLITE_READONLY: StoreFault.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: StoreFault.READ_ONLY,
    sqlite3.SQLITE_PERM: StoreFault.READ_ONLY,
}
"""By result code, extended or primary (https://sqlite.org/rescode.html)."""

_POSTGRESQL_FAULTS: Final = {
    "53100": StoreFault.FULL,
    "25006": StoreFault.READ_ONLY,
    "42501": StoreFault.READ_ONLY,
    "55P03": StoreFault.LOCKED,
    "57014": StoreFault.LOCKED,
}
"""By SQLSTATE: disk_full, read_only_sql_transaction, insufficient_privilege, lock_not_available, query_canceled."""
