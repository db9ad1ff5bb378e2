"""The records of a server of the lab, which its operator can copy, replace and lose: a file of SQLite, or a schema.

Content is opaque to others: the bytes of the file, or the name of a schema with a copy of each table.
"""

import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import NullPool, create_engine, delete, text
from sqlalchemy.exc import SQLAlchemyError

from server_stub.store.database import Database, make_private
from server_stub.store.migrate import Migrations, empty_file
from server_stub.store.records import StoreUnavailableError
from server_stub.store.schema import METADATA, SERVER_STATE
from server_stub.store.sql import SqlStore, reason_of


class ReplaceableRecords(Protocol):
    """`copy`, `replace` and `remove` need that no store is open on them."""

    def open(self) -> SqlStore:
        """The store, to be closed after use. Raises StoreUnavailableError."""

    def copy(self) -> bytes:
        """The present content."""

    def replace(self, content: bytes | None) -> None:
        """Continue with `content` of an earlier `copy`, or with an empty database."""

    def remove(self) -> None:
        """Delete everything."""


class RecordsFile:
    """Implements `ReplaceableRecords` by the SQLite database `file`, which is made empty."""

    def __init__(self, file: Path) -> None:
        self._database = Database(file)
        self._file = file
        self.replace(None)

    def open(self) -> SqlStore:
        """The store."""
        return SqlStore(self._database)

    def copy(self) -> bytes:
        """The bytes of the file."""
        return self._file.read_bytes()

    def replace(self, content: bytes | None) -> None:
        """Write another file."""
        self.remove()
        make_private(self._file)
        self._file.write_bytes(empty_file() if content is None else content)

    def remove(self) -> None:
        """Delete the file."""
        self._database.remove()


_SCHEMA: Final = "activation_world_"
_LOCK: Final = f"SELECT {{}}(hashtext('{_SCHEMA}'), hashtext(:name))"
"""Of PostgreSQL's advisory locks, one for each schema. It is held as long as the schema is used."""


class RecordsSchema:
    """Implements `ReplaceableRecords` by a new schema in `database`, which is PostgreSQL.

    It removes those that a server which was killed has left. Raises StoreUnavailableError if the user may not create
    schemas.
    """

    def __init__(self, database: Database, migrations: Migrations) -> None:
        self._migrations = migrations
        self._name = f"{_SCHEMA}{uuid.uuid4().hex}"
        self._copies: list[str] = []
        options = f"{database.url.query.get('options', '')} -csearch_path={self._name}".lstrip()
        url = database.url.update_query_dict({"options": options})
        self._database = Database(url.render_as_string(hide_password=False))
        try:
            self._connection = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect()
            self._connection.execute(text(_LOCK.format("pg_advisory_lock")), {"name": self._name})
            self._create(self._name)
        except SQLAlchemyError as error:
            problem = f"cannot create a schema in {database}: {reason_of(error, database)}"
            raise StoreUnavailableError(problem) from error
        self._remove_unused()

    def open(self) -> SqlStore:
        """The store."""
        return SqlStore(self._database, self._migrations)

    def copy(self) -> bytes:
        """Copy each table to another schema, and return its name."""
        name = f"{self._name}_{len(self._copies)}"
        self._copies.append(name)
        self._create(name)
        for table in METADATA.tables:
            self._execute(f'CREATE TABLE "{name}"."{table}" AS TABLE "{self._name}"."{table}"')
        return name.encode()

    def replace(self, content: bytes | None) -> None:
        """Make the schema again: records cannot be deleted from it."""
        self._drop(self._name)
        self._create(self._name)
        if content is None:
            return
        self.open().close()
        self._connection.execute(delete(SERVER_STATE))
        for name, table in METADATA.tables.items():
            columns = ", ".join(f'"{column.name}"' for column in table.columns)
            copy = f'"{content.decode()}"."{name}"'
            self._execute(f'INSERT INTO "{name}" ({columns}) SELECT {columns} FROM {copy}')  # noqa: S608 - own names
            if "id" in table.columns and table is not SERVER_STATE:
                sequence = f"pg_get_serial_sequence('{name}', 'id')"
                self._execute(f'SELECT setval({sequence}, coalesce(max(id), 0) + 1, false) FROM "{name}"')  # noqa: S608

    def remove(self) -> None:
        """Drop the schemas, and release their lock. If the database fails, they are removed later."""
        with suppress(SQLAlchemyError):
            for name in (*self._copies, self._name):
                self._drop(name)
        self.release()

    def release(self) -> None:
        """Release the lock: the next one that is made removes these schemas."""
        self._connection.close()

    def _remove_unused(self) -> None:
        """Drop the schemas that no process has locked."""
        found = self._connection.execute(
            text("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, :prefix)"), {"prefix": _SCHEMA}
        )
        for (name,) in found.all():
            owner = name[: len(self._name)]
            if (
                owner != self._name
                and self._connection.execute(
                    text(_LOCK.format("pg_try_advisory_lock")), {"name": owner}
                ).scalar()
            ):
                self._drop(name)
                self._connection.execute(text(_LOCK.format("pg_advisory_unlock")), {"name": owner})

    def _create(self, name: str) -> None:
        self._execute(f'CREATE SCHEMA "{name}"')

    def _drop(self, name: str) -> None:
        self._execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')

    def _execute(self, statement: str) -> None:
        self._connection.execute(text(statement))
