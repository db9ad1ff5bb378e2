"""Engines: how to connect to each kind of database, and the statements that begin transactions on it.

SQLite: a write-ahead log that is synced at every commit. A transaction takes the write lock before it reads.

PostgreSQL: a transaction is READ COMMITTED, and locks what it reads in order to change it. A reading is one snapshot.
"""

import logging
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import SQLITE_BUSY, OperationalError
from sqlite3 import Connection as SqliteConnection
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, Pool, StaticPool

from server_stub.store.database import Database

CONNECTIONS: Final = 8
"""The maximum number of simultaneous transactions, and so of connections, of one server."""

_CONNECT_SECONDS: Final = 5
_BUSY_SECONDS: Final = 5
_APPLICATION: Final = "verdict-server"


@dataclass(frozen=True, slots=True)
class TransactionStatements:
    """How transactions begin. `locking`: rows are locked one by one, so transactions run concurrently."""

    writing: str
    reading: str
    locking: bool


SQLITE: Final = TransactionStatements("BEGIN IMMEDIATE", "BEGIN", locking=False)
POSTGRESQL: Final = TransactionStatements(
    "BEGIN ISOLATION LEVEL READ COMMITTED",
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    locking=True,
)


_PRIVATE: Final = 0o600
_LOG: Final = logging.getLogger(__name__)


def make_private(file: Path) -> None:
    """Create `file` if it does not exist, and let only its owner read it and the files next to it, whatever the umask.

    SQLite gives `-wal` and `-shm` the mode of the database. A mode that was wider is logged. Raises OSError.
    """
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, _PRIVATE))
        file.chmod(_PRIVATE)  # the umask may have removed more
    except FileExistsError:
        for each in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
            _tighten(each)


def _tighten(file: Path) -> None:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            file.chmod(_PRIVATE)
            _LOG.warning("%s: its mode was %04o and is now %04o", file, mode, _PRIVATE)
    except FileNotFoundError:
        pass
    except PermissionError:
        _LOG.warning("%s: others can read it, and its mode cannot be changed: it has another owner", file)


def make_engine(database: Database) -> tuple[Engine, TransactionStatements]:
    """The engine of `database`. Nothing is connected yet."""
    postgresql = database.file is None and not database.in_memory
    pool: type[Pool] = NullPool
    arguments: dict[str, Any] = {}
    if postgresql:
        arguments = {"connect_timeout": _CONNECT_SECONDS, "fallback_application_name": _APPLICATION}
    elif database.in_memory:
        # A database in memory belongs to one connection, which all threads use in turn.
        pool, arguments = StaticPool, {"check_same_thread": False}
    statements = POSTGRESQL if postgresql else SQLITE
    # Errors of the database would otherwise quote row contents.
    engine = create_engine(database.url, hide_parameters=True, poolclass=pool, connect_args=arguments)
    event.listen(engine, "connect", _configure_postgresql if postgresql else _configure_sqlite)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(statements.writing))
    return engine, statements


def _configure_sqlite(connection: SqliteConnection, _: ConnectionPoolEntry) -> None:
    """WAL with a sync at every commit; the store and not the driver begins transactions."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}").close()
    # If several servers open a new file at the same time, one changes its mode; SQLite does not wait for that itself.
    for left in reversed(range(_BUSY_SECONDS * 100)):
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            break
        except OperationalError as error:
            if not left or error.sqlite_errorcode != SQLITE_BUSY:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous=FULL").close()


def _configure_postgresql(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """The store and not the driver begins transactions; a commit waits for the disk, whatever the default is."""
    connection.autocommit = True
    connection.cursor().execute("SET synchronous_commit = on")
