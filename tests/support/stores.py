"""Both kinds of databases for tests.

PostgreSQL is where `ACTIVATION_POSTGRES` says: the URL of a server on which its user may make schemas. Each test gets a
schema of its own there, which is dropped at the end.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
import pytest

from server_stub.store import alembic_migrations
from server_stub.store.database import Database
from server_stub.store.sql import SqlStore

VARIABLE: Final = "ACTIVATION_POSTGRES"
MISSING: Final = f"no PostgreSQL: set {VARIABLE}, or run under .ci/postgres"
KINDS: Final = ("sqlite", "postgresql")


def postgresql_url() -> str:
    """The server for tests. Skips the test if there is none."""
    return os.environ.get(VARIABLE) or pytest.skip(MISSING)


@contextmanager
def schema_url() -> Iterator[str]:
    """The URL of an empty schema. Skips the test if there is no PostgreSQL."""
    url, name = postgresql_url(), f"test_{secrets.token_hex(8)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"')
    try:
        yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'DROP SCHEMA "{name}" CASCADE')


def open_store(place: Database | Path | str) -> SqlStore:
    """The store in a database, which is migrated first."""
    return SqlStore(place, alembic_migrations)


@contextmanager
def place_of(kind: str, folder: Path) -> Iterator[str]:
    """The location of an empty database of `kind`."""
    if kind == "sqlite":
        yield str(folder / "server.db")
    else:
        with schema_url() as url:
            yield url


@contextmanager
def opened(kind: str, folder: Path) -> Iterator[SqlStore]:
    """An empty store of `kind`, closed at the end."""
    with place_of(kind, folder) as place:
        store = open_store(place)
        try:
            yield store
        finally:
            store.close()
