"""Sessions: connections with a cursor each, which are kept, and the transactions on them.

A verdict is so short that taking a connection from a general pool and giving it back would be a tenth of it. Sessions
are taken and given back here, at most as many at once as the database is good for.
"""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from sqlite3 import Error as SqliteError
from threading import Semaphore
from types import TracebackType
from typing import Final, Generic, TypeVar

import psycopg
from sqlalchemy import Engine
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from server_stub.store.errors import StoreUnavailableError
from server_stub.store.reading import SqlReading

T = TypeVar("T", bound=SqlReading)

ERRORS: Final = (SQLAlchemyError, SqliteError, psycopg.Error)
"""What a database or its driver may raise."""

WAIT_SECONDS: Final = 10
"""How long a transaction waits for its turn before the store counts as not available."""


@dataclass(frozen=True, slots=True)
class Session:
    """One connection that nobody else uses now."""

    connection: PoolProxiedConnection
    cursor: DBAPICursor

    def drop(self) -> None:
        """Close it, whatever state it is in."""
        with suppress(*ERRORS):
            self.connection.close()


class ConnectionPool:
    """The sessions of one engine, which must not pool by itself."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: deque[Session] = deque()
        self._closed = False

    def begin(self, words: str) -> Session:
        """A session in a transaction. Idle ones that the server of databases has dropped are replaced, once."""
        try:
            session = self._idle.pop()
        except IndexError:
            return self._begin(self._connect(), words)
        try:
            return self._begin(session, words)
        except psycopg.OperationalError:
            self._drop_idle()
            return self._begin(self._connect(), words)

    def release(self, session: Session) -> None:
        """A session whose transaction has ended."""
        if self._closed:
            session.drop()
        else:
            self._idle.append(session)

    def close(self) -> None:
        """Close what is idle now, and everything else when it is given back."""
        self._closed = True
        self._drop_idle()
        self._engine.dispose()

    def _connect(self) -> Session:
        connection = self._engine.raw_connection()
        return Session(connection, connection.cursor())

    def _begin(self, session: Session, words: str) -> Session:
        try:
            session.cursor.execute(words)
        except ERRORS:
            session.drop()
            raise
        return session

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().drop()


class TransactionContext(Generic[T]):
    """A context manager: one transaction, committed where the block ends well.

    `turns` says how many there may be at once. A class and not a generator, which would cost more.
    """

    __slots__ = ("_kind", "_session", "_sessions", "_turns", "_words")

    def __init__(
        self, sessions: ConnectionPool, turns: Semaphore, words: str, kind: Callable[[DBAPICursor], T]
    ) -> None:
        self._sessions = sessions
        self._turns = turns
        self._words = words
        self._kind = kind
        self._session: Session | None = None

    def __enter__(self) -> T:
        if not self._turns.acquire(timeout=WAIT_SECONDS):
            raise StoreUnavailableError("too many transactions are waiting")
        try:
            self._session = self._sessions.begin(self._words)
        except ERRORS as error:
            raise StoreUnavailableError("the database cannot be used now") from error
        finally:
            if self._session is None:
                self._turns.release()
        return self._kind(self._session.cursor)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._end("COMMIT")
            else:
                self._roll_back()
        except ERRORS as failure:
            self._roll_back()
            raise StoreUnavailableError("the database did not take the transaction") from failure
        finally:
            self._turns.release()
        if isinstance(error, ERRORS):
            raise StoreUnavailableError("the database did not take the transaction") from error

    def _end(self, word: str) -> None:
        session = self._session
        if session is not None:
            session.cursor.execute(word)
            self._session = None
            self._sessions.release(session)

    def _roll_back(self) -> None:
        """A session that cannot even do that is not used again."""
        try:
            self._end("ROLLBACK")
        except ERRORS:
            if self._session is not None:
                self._session.drop()
