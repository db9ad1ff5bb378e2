"""The durable store: SQLite by default, PostgreSQL by URL.

What has been committed survives SIGKILL and a power cut. On SQLite transactions are serialized: each takes the write
lock before it reads, so that the serial that it read is still the newest when it writes. On PostgreSQL the rows that
are read in order to be changed are locked, so that only transactions about the same device wait for each other.

SQLAlchemy holds the schema, the connections and the dialect, and compiles each statement once. The few statements of a
verdict then go to the driver as they are: `Connection.execute` would cost several times what the database takes.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from sqlite3 import Error as SqliteError
from threading import Lock
from typing import Any, Final

import psycopg
from sqlalchemy import func, select
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from server_stub.store.database import Database
from server_stub.store.engines import make_engine
from server_stub.store.errors import StoreUnavailableError
from server_stub.store.migrate import migrate
from server_stub.store.reading import SqlReading
from server_stub.store.schema import VERDICTS
from server_stub.store.statements import Statements
from server_stub.store.transaction import LockingTransaction, SqlTransaction

_ERRORS: Final = (SQLAlchemyError, SqliteError, psycopg.Error)


class SqlStore:
    """Implements `Store` on a database, which is brought up to date, or made where a file is not there.

    Raises StoreUnavailableError where it cannot be opened, and SchemaError where it is not one for this server.
    """

    def __init__(self, database: Database | Path | str) -> None:
        self.database: Final = Database(database)
        self._engine, self._words = make_engine(self.database)
        self._statements = Statements(self._engine.dialect)
        # Waiting here is fair and cheap; waiting in SQLite is polling.
        self._turn: AbstractContextManager[Any] = nullcontext() if self._words.locking else Lock()
        try:
            migrate(self._engine, self.database)
        except BaseException as error:
            self._engine.dispose()
            if isinstance(error, _ERRORS):
                raise StoreUnavailableError(_cannot_open(self.database)) from error
            raise

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        """Committed where the block ends well, and rolled back where it does not."""
        kind = LockingTransaction if self._words.locking else SqlTransaction
        with self._turn, self._cursor(self._words.begin) as cursor:
            yield kind(cursor, self._statements)

    @contextmanager
    def reading(self) -> Iterator[SqlReading]:
        """A snapshot. Writers do not wait for it."""
        with self._cursor(self._words.begin_reading) as cursor:
            yield SqlReading(cursor, self._statements)

    def check(self) -> None:
        """Raises StoreUnavailableError where no transaction can be begun."""
        with self.transaction():
            pass

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def count(self) -> int:
        """How many verdicts are recorded."""
        with self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(VERDICTS)).scalar_one()

    @contextmanager
    def _cursor(self, begin: str) -> Iterator[DBAPICursor]:
        try:
            connection, cursor = self._begun(begin)
            try:
                yield cursor
                connection.commit()
            finally:
                cursor.close()
                connection.close()
        except _ERRORS as error:
            raise StoreUnavailableError("the database did not take the transaction") from error

    def _begun(self, begin: str) -> tuple[PoolProxiedConnection, DBAPICursor]:
        """A connection in a transaction. A pooled one that the server of databases has dropped is replaced, once."""
        try:
            return self._begin(begin)
        except psycopg.OperationalError:
            self._engine.dispose()
            return self._begin(begin)

    def _begin(self, begin: str) -> tuple[PoolProxiedConnection, DBAPICursor]:
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(begin)
        except _ERRORS:
            connection.invalidate()
            connection.close()
            raise
        return connection, cursor


def _cannot_open(database: Database) -> str:
    if database.file is None:
        return f"cannot connect to {database}; does it run, and may this user use it?"
    return f"cannot open {database.file.name}; is it a database of this server?"
