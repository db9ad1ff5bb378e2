"""The durable store: SQLite by default, PostgreSQL by URL.

What has been committed survives SIGKILL and a power cut. On SQLite transactions are serialized: each takes the write
lock before it reads, so that the serial that it read is still the newest when it writes. On PostgreSQL the rows that
are read in order to be changed are locked, so that only transactions about the same device wait for each other.

SQLAlchemy holds the schema and the dialect, makes the connections, and compiles each statement once. The few statements
of a verdict then go to the driver as they are: `Connection.execute` would cost several times what the database takes.
"""

from contextlib import ExitStack
from pathlib import Path
from threading import Semaphore
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.engine.interfaces import DBAPICursor

from server_stub.store.database import Database
from server_stub.store.engines import CONNECTIONS, make_engine
from server_stub.store.errors import StoreUnavailableError
from server_stub.store.migrate import copy_template, migrate
from server_stub.store.reading import SqlReading
from server_stub.store.schema import VERDICTS
from server_stub.store.sessions import ERRORS, ConnectionPool, TransactionContext
from server_stub.store.statements import statements_for
from server_stub.store.transaction import ExpiredNonceCleanup, LockingTransaction, SqlTransaction


class SqlStore:
    """Implements `Store` on a database, which is created if the file does not exist, and migrated.

    Without `database` it is in memory: as atomic as a file, gone when the store is closed.
    Raises StoreUnavailableError if it cannot be opened, and SchemaError if it is not for this server.
    """

    def __init__(self, database: Database | Path | str | None = None) -> None:
        self.database: Final = Database(database)
        self._engine, self._words = make_engine(self.database)
        self._sessions = ConnectionPool(self._engine)
        self._statements = statements_for(self._engine.dialect)
        self._sweep = ExpiredNonceCleanup()
        self._readers = Semaphore(1 if self.database.in_memory else CONNECTIONS)
        # Waiting here for the one write lock of SQLite is cheap; waiting in SQLite is polling.
        self._writers = self._readers if self._words.locking or self.database.in_memory else Semaphore(1)
        with ExitStack() as unless_it_opens:
            unless_it_opens.callback(self.close)
            self._migrate()
            unless_it_opens.pop_all()

    def transaction(self) -> TransactionContext[SqlTransaction]:
        """Committed where the block ends well, and rolled back where it does not."""
        return TransactionContext(self._sessions, self._writers, self._words.begin, self._writing)

    def reading(self) -> TransactionContext[SqlReading]:
        """A snapshot. Writers do not wait for it."""
        return TransactionContext(self._sessions, self._readers, self._words.begin_reading, self._reading)

    def check(self) -> None:
        """Raises StoreUnavailableError where no transaction can be begun."""
        with self.transaction():
            pass

    def close(self) -> None:
        """Close every connection."""
        self._sessions.close()

    def count(self) -> int:
        """How many verdicts are recorded."""
        with self._readers, self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(VERDICTS)).scalar_one()

    def _migrate(self) -> None:
        try:
            if self.database.in_memory:
                copy_template(self._engine)
            else:
                migrate(self._engine, self.database)
        except ERRORS as error:
            raise StoreUnavailableError(_cannot_open(self.database)) from error

    def _writing(self, cursor: DBAPICursor) -> SqlTransaction:
        kind = LockingTransaction if self._words.locking else SqlTransaction
        return kind(cursor, self._statements, self._sweep)

    def _reading(self, cursor: DBAPICursor) -> SqlReading:
        return SqlReading(cursor, self._statements)


def _cannot_open(database: Database) -> str:
    if database.file is None:
        return f"cannot connect to {database}; does it run, and may this user use it?"
    return f"cannot open {database.file.name}; is it a database of this server?"
