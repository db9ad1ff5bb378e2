"""Runs the migrations with Alembic."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def upgrade(connection: Connection, *, to: str, begin_after: str | None) -> None:
    """Implements `Migrations`."""
    config = Config()
    config.set_main_option("script_location", "server_stub.store:migrations")
    config.attributes["connection"] = connection
    if begin_after:
        command.stamp(config, begin_after)
    command.upgrade(config, to)
