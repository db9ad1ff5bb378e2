"""The durable store: SQLite by default, PostgreSQL by URL.

Committed data survives SIGKILL and a power cut. On SQLite, transactions are serialized: each takes the write lock
before it reads, so the serial that it read is still the newest when it writes. On PostgreSQL, rows that are read in
order to be changed are locked, so only transactions about the same device wait for each other.

SQLAlchemy holds the schema and the dialect, makes the connections, and compiles each statement once. Statements then go
to the driver directly: `Connection.execute` would cost several times as much as the database.
"""

import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Semaphore
from typing import Final, TypeVar

from sqlalchemy import Engine, func, select
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from server_stub.store import empty_database
from server_stub.store.database import Database
from server_stub.store.engines import CONNECTIONS, make_engine, make_private
from server_stub.store.migrate import NEWEST, READ_VERSION, Migrations, migrate
from server_stub.store.protocol import StoreFault, StoreUnavailableError
from server_stub.store.schema import VERDICTS
from server_stub.store.statements import POSTGRESQL, statements_for
from server_stub.store.transaction import (
    ExpiredNonceCleanup,
    LockingTransaction,
    SqlReading,
    SqlTransaction,
)

T = TypeVar("T", bound=SqlReading)

_PROBE_BYTES: Final = 48 * 1024
"""With SQLite a probe needs more pages than a verdict, which needs 12 to 15 of 4 KiB."""

_PROBE_BYTES_LOCKING: Final = 8 * 1024
"""PostgreSQL allocates more at a time."""

WAIT_SECONDS: Final = 10
"""How long a transaction waits until another one has ended before the store counts as unavailable."""


class SqlStore:
    """Implements `Store` on a database, which `migrations` create if it is empty, and migrate if it is older.

    Without `database` it is in memory: as atomic as a file, gone when the store is closed.
    Raises StoreUnavailableError if it cannot be opened, and SchemaError if it is not for this server.
    """

    def __init__(
        self, database: Database | Path | str | None = None, migrations: Migrations | None = None
    ) -> None:
        self.database: Final = Database(database)
        self._engine, self._begin = make_engine(self.database)
        self._errors = database_errors(self._engine)
        self._pool = ConnectionPool(self._engine)
        self._statements = statements_for(self._engine.dialect)
        self._cleanup = ExpiredNonceCleanup()
        self._probes = 0
        self._readers = Semaphore(1 if self.database.in_memory else CONNECTIONS)
        # Waiting here for SQLite's write lock is cheap; SQLite itself would poll.
        self._writers = self._readers if self._begin.locking or self.database.in_memory else Semaphore(1)
        with ExitStack() as on_failure:
            on_failure.callback(self.close)
            self._migrate(migrations)
            self._file_id = _file_id(self.database)
            on_failure.pop_all()

    def transaction(self) -> AbstractContextManager[SqlTransaction]:
        """A transaction that is committed at the end of the block, or rolled back if the block raises."""
        kind = LockingTransaction if self._begin.locking else SqlTransaction
        return self._run(
            self._writers, self._begin.writing, lambda cursor: kind(cursor, self._statements, self._cleanup)
        )

    def reading(self) -> AbstractContextManager[SqlReading]:
        """A snapshot. Writers do not wait for it."""
        return self._run(
            self._readers, self._begin.reading, lambda cursor: SqlReading(cursor, self._statements)
        )

    def check(self) -> None:
        """Write durably. Raises StoreUnavailableError if nothing can be stored."""
        if self._file_id != _file_id(self.database):
            raise StoreUnavailableError("the file of the database was removed or replaced")
        # Random, since PostgreSQL compresses; of another length than before, since SQLite would overwrite in place.
        size = _PROBE_BYTES_LOCKING if self._begin.locking else _PROBE_BYTES
        with self.transaction() as transaction:
            transaction.probe(os.urandom(size + self._probes % 2))
        self._probes += 1

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def count(self) -> int:
        """The number of recorded verdicts."""
        with self._readers, self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(VERDICTS)).scalar_one()

    def _migrate(self, migrations: Migrations | None) -> None:
        if self.database.file is not None:
            try:
                make_private(self.database.file)
            except OSError as error:
                raise StoreUnavailableError(f"cannot open {self.database}: {error.strerror}") from error
        try:
            if self.database.in_memory:
                empty_database.copy_to(self._engine)
            elif not self._is_newest():
                migrate(self._engine, self.database, migrations)
        except self._errors as error:
            problem = f"cannot connect to {self.database}; does it run, and may this user use it?"
            if self.database.file is not None:
                problem = f"cannot open {self.database.file.name}; is it a database of this server?"
            fault = fault_of(error)
            if self.database.file is not None and fault in _AT_START:
                problem = _AT_START[fault].format(self.database.file.name)
            raise StoreUnavailableError(problem, fault) from error

    def _is_newest(self) -> bool:
        """Whether a file is known to have the newest schema, by the connection that the first transaction will use."""
        if self.database.file is None:
            return False
        with suppress(StoreUnavailableError):  # `migrate` finds out why
            connection = self._pool.begin(READ_VERSION)
            found = connection.cursor.fetchall()
            self._pool.release(connection)
            return [tuple(row) for row in found] == [(NEWEST,)]
        return False

    @contextmanager
    def _run(self, turns: Semaphore, begin: str, kind: Callable[[DBAPICursor], T]) -> Iterator[T]:
        """One transaction. `turns` bounds how many there are at a time."""
        if not turns.acquire(timeout=WAIT_SECONDS):
            raise StoreUnavailableError("too many transactions are waiting", StoreFault.LOCKED)
        try:
            connection, committed = self._pool.begin(begin), False
            try:
                yield kind(connection.cursor)
                connection.cursor.execute("COMMIT")
                committed = True
            except self._errors as error:
                fault = fault_of(error)
                raise StoreUnavailableError(f"the database did not commit: {fault}", fault) from error
            finally:
                (self._pool.release if committed else self._pool.roll_back)(connection)
        finally:
            turns.release()


def _file_id(database: Database) -> tuple[int, int] | None:
    """The identity of the database's file, None without one."""
    try:
        found = None if database.file is None else database.file.stat()
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)


def database_errors(engine: Engine) -> tuple[type[Exception], ...]:
    """What the database or its driver may raise."""
    return SQLAlchemyError, engine.dialect.loaded_dbapi.Error


def fault_of(error: Exception) -> StoreFault:
    """What an error of a database or its driver says about the store."""
    error = getattr(error, "orig", None) or error  # SQLAlchemy wraps the driver's error
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return _SQLITE_FAULTS.get(code) or _SQLITE_FAULTS.get(code & 0xFF, StoreFault.UNAVAILABLE)
    return _POSTGRESQL_FAULTS.get(getattr(error, "sqlstate", None) or "", StoreFault.UNAVAILABLE)


_AT_START: Final = {
    StoreFault.FULL: "there is no space for {}",
    StoreFault.LOCKED: "another program uses {}",
    StoreFault.READ_ONLY: "cannot write {} or its folder",
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


@dataclass(frozen=True, slots=True)
class PooledConnection:
    """A connection that one transaction uses at a time, with its cursor."""

    connection: PoolProxiedConnection
    cursor: DBAPICursor


class ConnectionPool:
    """The connections of one engine, which must not pool itself: its pool would take a tenth of a verdict's time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._errors = database_errors(engine)
        # SQLite has no server that could close a connection.
        driver = engine.dialect.loaded_dbapi
        self._closed_by_server = (driver.OperationalError,) if engine.dialect.name == POSTGRESQL else ()
        self._idle: deque[PooledConnection] = deque()
        self._closed = False

    def begin(self, statement: str) -> PooledConnection:
        """A connection on which `statement` has begun a transaction. Raises StoreUnavailableError.

        If the database server has closed an idle connection, all idle ones are replaced.
        """
        try:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._begin(self._connect(), statement)
            try:
                return self._begin(connection, statement)
            except self._closed_by_server:
                self._close_idle()
                return self._begin(self._connect(), statement)
        except self._errors as error:
            fault = fault_of(error)
            raise StoreUnavailableError(f"the database cannot be used now: {fault}", fault) from error

    def release(self, connection: PooledConnection) -> None:
        """Take back a connection whose transaction has ended."""
        if self._closed:
            self._close(connection)
        else:
            self._idle.append(connection)

    def roll_back(self, connection: PooledConnection) -> None:
        """Undo the transaction and take the connection back, or close it if that fails."""
        try:
            connection.cursor.execute("ROLLBACK")
        except self._errors:
            self._close(connection)
        else:
            self.release(connection)

    def close(self) -> None:
        """Close the idle connections now, and the others when they are released."""
        self._closed = True
        self._close_idle()
        self._engine.dispose()

    def _connect(self) -> PooledConnection:
        connection = self._engine.raw_connection()
        return PooledConnection(connection, connection.cursor())

    def _begin(self, connection: PooledConnection, statement: str) -> PooledConnection:
        try:
            connection.cursor.execute(statement)
        except self._errors:
            self._close(connection)
            raise
        return connection

    def _close_idle(self) -> None:
        while self._idle:
            self._close(self._idle.pop())

    def _close(self, connection: PooledConnection) -> None:
        """Close it, whatever state it is in."""
        with suppress(*self._errors):
            connection.connection.close()
