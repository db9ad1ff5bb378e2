"""The durable store: SQLAlchemy over SQLite with a write-ahead log that is synced at every commit.

Transactions are serialized: each takes the write lock before it reads, so that the serial that it read is still
the newest when it writes. What has been committed survives SIGKILL and a power cut.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from threading import Lock

from sqlalchemy import Connection, create_engine, delete, event, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from server_stub.challenges import SpendableNonce
from server_stub.domain.policy import Activation
from server_stub.store.records import Device, NonceSpentError, StoreUnavailableError, VerdictRecord
from server_stub.store.schema import DEVICES, METADATA, SPENT_NONCES, VERDICTS


class SqlStore:
    """Implements `Store` on the SQLite file `path`, which is made where there is none."""

    def __init__(self, path: Path) -> None:
        # Errors of the database would otherwise quote the rows that they are about.
        self._engine = create_engine(f"sqlite:///{path}", hide_parameters=True)
        self._lock = Lock()
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin)
        try:
            METADATA.create_all(self._engine)
        except SQLAlchemyError as error:
            raise StoreUnavailableError(
                f"cannot open {path.name}; is it a database of this server?"
            ) from error

    @contextmanager
    def transaction(self) -> Iterator["_SqlTransaction"]:
        """One at a time: waiting here is fair and cheap, waiting in SQLite is polling."""
        with self._lock:
            try:
                with self._engine.begin() as connection:
                    yield _SqlTransaction(connection)
            except SQLAlchemyError as error:
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
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def spend(self, nonce: SpendableNonce, now: int) -> None:
        self._connection.execute(delete(SPENT_NONCES).where(SPENT_NONCES.c.until <= now))
        try:
            self._connection.execute(insert(SPENT_NONCES).values(nonce=nonce.octets, until=nonce.until))
        except IntegrityError as error:
            raise NonceSpentError from error

    def device(self, sub: str) -> Device | None:
        row = self._connection.execute(select(DEVICES).where(DEVICES.c.sub == sub)).one_or_none()
        if row is None:
            return None
        activated = row.activated_at is not None
        return Device(
            sub=row.sub,
            activation=Activation(row.activated_at, row.activation_territory) if activated else None,
            sale_region=row.sale_region,
            model=row.model,
            last_serial=row.last_serial,
        )

    def remember(self, device: Device) -> None:
        values = {
            "activated_at": device.activation.at if device.activation else None,
            "activation_territory": device.activation.territory if device.activation else None,
            "sale_region": device.sale_region,
            "model": device.model,
            "last_serial": device.last_serial,
        }
        statement = upsert(DEVICES).values(sub=device.sub, **values)
        self._connection.execute(statement.on_conflict_do_update(index_elements=["sub"], set_=values))

    def record(self, record: VerdictRecord) -> None:
        verdict = record.verdict
        self._connection.execute(
            insert(VERDICTS).values(
                **verdict.model_dump(
                    mode="json",
                    include={
                        "jti",
                        "sub",
                        "serial",
                        "iat",
                        "exp",
                        "decision",
                        "reason",
                        "territory",
                        "trust",
                    },
                ),
                policy_id=verdict.policy.id,
                policy_version=verdict.policy.version,
                rule=verdict.policy.rule,
                identity=record.identity,
                case_number=verdict.case,
                token_digest=record.token_digest,
                inputs=record.inputs,
                appraisal=record.appraisal,
                judgement=record.judgement,
            )
        )


def _configure(connection: SqliteConnection, _: ConnectionPoolEntry) -> None:
    """WAL with a sync at every commit; transactions are begun by `_begin` and not by the driver."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
