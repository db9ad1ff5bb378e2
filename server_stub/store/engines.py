"""Engines: how a connection to each kind of database is made, and in which words its transactions begin.

SQLite: a write-ahead log that is synced at every commit. A transaction takes the write lock before it reads.

PostgreSQL: a transaction is READ COMMITTED, and locks what it reads in order to change it. Reading is one snapshot.
"""

import time
from dataclasses import dataclass
from sqlite3 import SQLITE_BUSY, OperationalError
from sqlite3 import Connection as SqliteConnection
from typing import Any, Final

from psycopg import Connection as PostgresqlConnection
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, StaticPool

from server_stub.store.database import Database

CONNECTIONS: Final = 8
"""Transactions, and so connections, that one server has at most at once."""

_CONNECT_SECONDS: Final = 5
_BUSY_SECONDS: Final = 5
_APPLICATION: Final = "verdict-server"


@dataclass(frozen=True, slots=True)
class TransactionStatements:
    """How transactions begin. `locking`: rows are locked one by one, so transactions run side by side."""

    begin: str
    begin_reading: str
    locking: bool


SQLITE: Final = TransactionStatements("BEGIN IMMEDIATE", "BEGIN", locking=False)
POSTGRESQL: Final = TransactionStatements(
    "BEGIN ISOLATION LEVEL READ COMMITTED",
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    locking=True,
)


def make_engine(database: Database) -> tuple[Engine, TransactionStatements]:
    """The engine of `database`. Nothing is connected yet."""
    postgresql = database.file is None and not database.in_memory
    return (_postgresql(database), POSTGRESQL) if postgresql else (_sqlite(database), SQLITE)


def _sqlite(database: Database) -> Engine:
    # A database in memory belongs to one connection, which all threads take in turn.
    pool, arguments = (StaticPool, {"check_same_thread": False}) if database.in_memory else (NullPool, {})
    # Errors of the database would otherwise quote the rows that they are about.
    engine = create_engine(database.url, hide_parameters=True, poolclass=pool, connect_args=arguments)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql(database: Database) -> Engine:
    engine = create_engine(
        database.url,
        hide_parameters=True,
        poolclass=NullPool,
        connect_args={"connect_timeout": _CONNECT_SECONDS, "fallback_application_name": _APPLICATION},
    )
    event.listen(engine, "connect", _configure_postgresql)
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _configure_sqlite(connection: SqliteConnection, _: ConnectionPoolEntry) -> None:
    """WAL with a sync at every commit; transactions are begun by the store and not by the driver."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}").close()
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous=FULL").close()


def _write_ahead(connection: SqliteConnection) -> None:
    """Of several servers that open a new file at once one changes its mode; SQLite does not wait for that by itself."""
    for left in reversed(range(_BUSY_SECONDS * 100)):
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except OperationalError as error:
            if not left or error.sqlite_errorcode != SQLITE_BUSY:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(SQLITE.begin)


def _configure_postgresql(connection: PostgresqlConnection[Any], _: ConnectionPoolEntry) -> None:
    """Transactions are begun by the store and not by the driver; a commit waits for the disk, whatever the default."""
    connection.autocommit = True
    connection.execute("SET synchronous_commit = on")


def _begin_postgresql(connection: Connection) -> None:
    connection.exec_driver_sql(POSTGRESQL.begin)
