"""The durable store: SQLAlchemy over SQLite with a write-ahead log that is synced at every commit.

Transactions are serialized: each takes the write lock before it reads, so that the serial that it read is still
the newest when it writes. What has been committed survives SIGKILL and a power cut.

SQLAlchemy holds the schema, the connections and the dialect, and compiles each statement once. The few statements of a
verdict then go to the driver as they are: `Connection.execute` would cost several times what SQLite takes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from sqlite3 import Error as DriverError
from sqlite3 import IntegrityError
from threading import Lock
from typing import Any, Final

from sqlalchemy import (
    ClauseElement,
    Connection,
    Engine,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.compiler import SQLCompiler

from server_stub.challenges import SpendableNonce
from server_stub.domain.overrides import Override
from server_stub.domain.policy import Activation
from server_stub.store.records import Device, NonceSpentError, StoreUnavailableError, VerdictRecord
from server_stub.store.schema import DEVICES, METADATA, SPENT_NONCES, VERDICTS
from wire.codes import Decision

_BEGIN: Final = "BEGIN IMMEDIATE"
_FORGET_EXPIRED: Final = delete(SPENT_NONCES).where(SPENT_NONCES.c.until <= bindparam("now"))
_SPEND: Final = insert(SPENT_NONCES)
_RECORD: Final = insert(VERDICTS).values(
    {column.name: bindparam(column.name) for column in VERDICTS.c if not column.primary_key}
)
_DEVICE: Final = select(DEVICES).where(DEVICES.c.sub == bindparam("sub"))
_KEY_OF: Final = (
    select(VERDICTS.c.jkt)
    .where(VERDICTS.c.sub == bindparam("sub"))
    .group_by(VERDICTS.c.jkt)
    .order_by(func.max(VERDICTS.c.serial).desc())
    .limit(bindparam("count"))
    .offset(bindparam("back"))
)
_NEW_DEVICE: Final = upsert(DEVICES)
_REMEMBER: Final = _NEW_DEVICE.on_conflict_do_update(
    index_elements=["sub"],
    set_={column.name: column for column in _NEW_DEVICE.excluded if not column.primary_key},
)


class SqlStore:
    """Implements `Store` on the SQLite file `path`, which is made where there is none."""

    def __init__(self, path: Path) -> None:
        # Errors of the database would otherwise quote the rows that they are about.
        self._engine = create_engine(f"sqlite:///{path}", hide_parameters=True)
        self._lock = Lock()
        self._statements = _Statements(self._engine.dialect)
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin)
        try:
            METADATA.create_all(self._engine)
            missing = _missing_columns(self._engine)
        except SQLAlchemyError as error:
            raise StoreUnavailableError(
                f"cannot open {path.name}; is it a database of this server?"
            ) from error
        if missing:
            raise StoreUnavailableError(f"{path.name} is of another version of this server: no {missing[0]}")

    @contextmanager
    def transaction(self) -> Iterator["_SqlTransaction"]:
        """One at a time: waiting here is fair and cheap, waiting in SQLite is polling."""
        with self._lock:
            try:
                with (
                    closing(self._engine.raw_connection()) as connection,
                    closing(connection.cursor()) as cursor,
                ):
                    cursor.execute(_BEGIN)
                    yield _SqlTransaction(cursor, self._statements)
                    connection.commit()
            except (SQLAlchemyError, DriverError) as error:
                raise StoreUnavailableError("the database did not take the transaction") from error

    def check(self) -> None:
        """Raises StoreUnavailableError where the write lock cannot be taken."""
        with self.transaction():
            pass

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def count(self) -> int:
        """How many verdicts are recorded."""
        with self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(VERDICTS)).scalar_one()


class _SqlTransaction:
    def __init__(self, cursor: DBAPICursor, statements: "_Statements") -> None:
        self._cursor = cursor
        self._statements = statements

    def spend(self, nonce: SpendableNonce, now: int) -> None:
        self._statements.forget_expired(self._cursor, {"now": now})
        try:
            self._statements.spend(self._cursor, {"nonce": nonce.octets, "until": nonce.until})
        except IntegrityError as error:
            raise NonceSpentError from error

    def device(self, sub: str) -> Device | None:
        self._statements.device(self._cursor, {"sub": sub})
        row = self._cursor.fetchone()
        return None if row is None else _device(row)

    def remember(self, device: Device) -> None:
        self._statements.remember(self._cursor, _device_row(device))

    def key_of(self, sub: str, back: int) -> str | None:
        self._statements.key_of(self._cursor, {"sub": sub, "count": 1, "back": back})
        row = self._cursor.fetchone()
        return None if row is None else str(row[0])

    def record(self, record: VerdictRecord) -> None:
        self._statements.record(self._cursor, _row(record))


class _Statement:
    """One statement in the words of the driver."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        if not isinstance(compiled, SQLCompiler) or compiled.positiontup is None:
            raise TypeError(f"{dialect.name} does not take its parameters by position")
        self._text = str(compiled)
        self._names = tuple(compiled.positiontup)

    def __call__(self, cursor: DBAPICursor, values: Mapping[str, object]) -> None:
        cursor.execute(self._text, [values[name] for name in self._names])


class _Statements:
    """All that a verdict needs, and an unlock code."""

    def __init__(self, dialect: Dialect) -> None:
        self.forget_expired = _Statement(_FORGET_EXPIRED, dialect)
        self.spend = _Statement(_SPEND, dialect)
        self.device = _Statement(_DEVICE, dialect)
        self.remember = _Statement(_REMEMBER, dialect)
        self.record = _Statement(_RECORD, dialect)
        self.key_of = _Statement(_KEY_OF, dialect)


def _missing_columns(engine: Engine) -> list[str]:
    """What the tables of an older server lack: they were not made anew, so a transaction would fail later."""
    found = inspect(engine)
    return [
        f"{table.name}.{column.name}"
        for table in METADATA.sorted_tables
        for column in table.columns
        if column.name not in {known["name"] for known in found.get_columns(table.name)}
    ]


def _device(row: Sequence[Any]) -> Device:
    sub, at, territory, sale_region, model, last_serial, locks_at, decision, reason, case, decided_at = row
    return Device(
        sub,
        None if at is None else Activation(at, territory),
        sale_region,
        model,
        last_serial,
        locks_at,
        None if decision is None else Override(Decision(decision), reason, case, decided_at),
    )


def _device_row(device: Device) -> dict[str, Any]:
    activation, override = device.activation, device.override
    return {
        "sub": device.sub,
        "activated_at": activation.at if activation else None,
        "activation_territory": activation.territory if activation else None,
        "sale_region": device.sale_region,
        "model": device.model,
        "last_serial": device.last_serial,
        "locks_at": device.locks_at,
        "override_decision": override.decision.value if override else None,
        "override_reason": override.reason if override else None,
        "override_case": override.case if override else None,
        "override_at": override.at if override else None,
    }


def _row(record: VerdictRecord) -> dict[str, Any]:
    verdict = record.verdict
    return {
        "jti": verdict.jti,
        "sub": verdict.sub,
        "serial": verdict.serial,
        "iat": verdict.iat,
        "exp": verdict.exp,
        "decision": verdict.decision.value,
        "reason": verdict.reason.value,
        "territory": verdict.territory,
        "policy_id": verdict.policy.id,
        "policy_version": verdict.policy.version,
        "rule": verdict.policy.rule,
        "trust": verdict.trust.value,
        "identity": record.identity,
        "case_number": verdict.case,
        "jkt": verdict.cnf.jkt,
        "token_digest": record.token_digest,
        "inputs": _json(record.inputs),
        "appraisal": _json(record.appraisal),
        "judgement": _json(record.judgement),
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value)


def _configure(connection: SqliteConnection, _: ConnectionPoolEntry) -> None:
    """WAL with a sync at every commit; transactions are begun by `_begin` and not by the driver."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(_BEGIN)
