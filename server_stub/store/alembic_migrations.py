"""Runs the migrations with Alembic. `python -m` this module writes the schema of empty databases."""

from pathlib import Path
from sqlite3 import connect

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, StaticPool, create_engine

from server_stub.store.migrate import NEWEST


def upgrade(connection: Connection, *, to: str, begin_after: str | None) -> None:
    """Implements `Migrations`."""
    config = Config()
    config.set_main_option("script_location", "server_stub.store:migrations")
    config.attributes["connection"] = connection
    if begin_after:
        command.stamp(config, begin_after)
    command.upgrade(config, to)


if __name__ == "__main__":
    database = connect(":memory:")
    with create_engine("sqlite://", creator=lambda: database, poolclass=StaticPool).begin() as empty:
        upgrade(empty, to=NEWEST, begin_after=None)
    Path(__file__).with_name("newest_schema.sql").write_text("\n".join(database.iterdump()) + "\n", "utf-8")
