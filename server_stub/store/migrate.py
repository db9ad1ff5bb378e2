"""Migrating a database to the newest schema before it is used.

Servers that start together on one database wait for the first one. A database from before the migrations is recognised
by its tables; one that a newer server has changed is not touched. Stores in memory and the lab copy an empty SQLite
database, since migrating each is slow: `newest_schema.sql` is what the migrations create, which a test compares.
"""

from functools import cache
from importlib.resources import files
from sqlite3 import Connection as SqliteConnection
from sqlite3 import connect
from typing import Final, Protocol

from sqlalchemy import Connection, Engine, inspect, text

from server_stub.store.database import Database
from server_stub.store.records import SchemaError

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
"""The migrations that this server knows. A test checks that the list is complete."""

_FIRST, NEWEST = REVISIONS[0], REVISIONS[-1]
_VERSIONS: Final = "alembic_version"
READ_VERSION: Final = f"SELECT version_num FROM {_VERSIONS}"  # noqa: S608 - a constant
_WAL: Final = 2
_LOCK: Final = 0x76657264696374
"""`verdict` in ASCII: PostgreSQL's advisory lock that is held while migrating."""

_FIRST_COLUMNS: Final = {
    "devices": {"sub", "last_serial", "locks_at", "override_decision", "override_at"},
    "verdicts": {"jti", "sub", "serial", "case_number", "jkt", "judgement"},
    "spent_nonces": {"nonce", "until"},
}


class Migrations(Protocol):
    """Implemented by the module `alembic_migrations`, which takes a while to load and is rarely needed."""

    def upgrade(self, connection: Connection, *, to: str, begin_after: str | None) -> None:
        """Run the migrations after `begin_after`, or those that the database has not recorded, up to `to`."""


def migrate(engine: Engine, database: Database, migrations: Migrations | None) -> None:
    """Migrate to the newest schema or change nothing. Raises SchemaError, or an error of the database."""
    with engine.begin() as connection:
        if database.is_postgresql:
            # A migration, or what it imports first, may take longer than other transactions.
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '60s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        found = _version(connection)
        if found == NEWEST:
            return
        if found is not None and found not in REVISIONS:
            raise SchemaError(
                f"it has schema {found} of a newer server, and this one knows up to {NEWEST}; use the newer one"
            )
        if migrations is None:
            state = f"has the older schema {found}" if found else "is empty"
            raise SchemaError(f"it {state}; open it with the migrations")
        unrecorded = found is not None and not inspect(connection).has_table(_VERSIONS)
        migrations.upgrade(connection, to=NEWEST, begin_after=found if unrecorded else None)


def _version(connection: Connection) -> str | None:
    """The newest migration that was applied, None if the database is empty. Raises SchemaError."""
    known = inspect(connection)
    if known.has_table(_VERSIONS):
        return connection.execute(text(READ_VERSION)).scalar()
    tables = set(known.get_table_names())
    if not tables & _FIRST_COLUMNS.keys():
        return None
    for table, columns in _FIRST_COLUMNS.items():
        found = {each["name"] for each in known.get_columns(table)} if table in tables else set()
        if missing := sorted(columns - found):
            raise SchemaError(
                f"it is of another program, or of a server before the first release: no {table}.{missing[0]}"
            )
    return _FIRST


def copy_empty_to(engine: Engine) -> None:
    """Make a database in memory that of the newest schema."""
    connection = engine.raw_connection()
    _template().backup(connection.driver_connection)  # type: ignore[arg-type] # SQLite's
    connection.close()


@cache
def empty_file() -> bytes:
    """The content of the file of an empty database, in the mode of a write-ahead log."""
    content = bytearray(_template().serialize())
    content[18:20] = _WAL, _WAL  # read and write version (https://sqlite.org/fileformat.html section 1.3.3)
    return bytes(content)


@cache
def _template() -> SqliteConnection:
    connection = connect(":memory:", check_same_thread=False)
    connection.executescript(files("server_stub.store").joinpath("newest_schema.sql").read_text("utf-8"))
    return connection
