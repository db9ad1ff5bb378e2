"""The database that an option names."""

from pathlib import Path

from lab.cli import output
from server_stub.store.database import Database, DatabaseError


def named(place: str | Path, option: str = "--db") -> Database:
    """The database at `place`. Stops with an error, which repeats nothing of a URL, where it is none."""
    try:
        return Database(place)
    except DatabaseError as error:
        output.exit_with_error(f"{option}: {error}")
