"""The database of a server, for commands that work on it without the server."""

from collections.abc import Iterator
from contextlib import contextmanager

from lab.cli import output
from lab.cli.lazy import deferred

with deferred():
    from server_stub.store import alembic_migrations, records, sql
    from server_stub.store import database as databases


def existing_database(
    location: "str | databases.Database", option: str = "--db", *, exit_code: int = output.USAGE
) -> "databases.Database":
    """The database at `location`. Exits with an error if it is not a location, or a file that does not exist.

    The error repeats no part of a URL.
    """
    try:
        database = databases.Database(location)
    except databases.DatabaseError as error:
        output.exit_with_error(f"{option}: {error}")
    if database.file is not None and not database.file.is_file():
        output.exit_with_error(
            f"{option}: there is no {database}; give the database of `activation serve`", exit_code
        )
    return database


@contextmanager
def opened_store(database: "databases.Database") -> Iterator["sql.SqlStore"]:
    """The records in `database`. Exits with an error if they cannot be used."""
    try:
        store = sql.SqlStore(database, alembic_migrations)
        try:
            yield store
        finally:
            store.close()
    except records.StoreUnavailableError as error:
        output.exit_with_error(f"cannot use {database}: {error}", output.ENVIRONMENT)
