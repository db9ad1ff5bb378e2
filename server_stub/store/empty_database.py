"""An empty SQLite database with the newest schema, for stores in memory and for the lab: migrating each is slow.

`newest_schema.sql` is what the migrations create. A test compares them.
"""

from functools import cache
from importlib.resources import files
from sqlite3 import Connection, connect
from typing import Final

from sqlalchemy import Engine

_WAL: Final = 2


def copy_to(engine: Engine) -> None:
    """Copy it to a database in memory."""
    connection = engine.raw_connection()
    _template().backup(connection.driver_connection)  # type: ignore[arg-type] # SQLite's
    connection.close()


@cache
def as_file() -> bytes:
    """The content of a database file, in the mode of a write-ahead log."""
    content = bytearray(_template().serialize())
    content[18:20] = _WAL, _WAL  # read and write version (https://sqlite.org/fileformat.html section 1.3.3)
    return bytes(content)


@cache
def _template() -> Connection:
    connection = connect(":memory:", check_same_thread=False)
    connection.executescript(files("server_stub.store").joinpath("newest_schema.sql").read_text("utf-8"))
    return connection
