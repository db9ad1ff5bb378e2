"""The key repository: its files, and the number of the newest publication."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add a table and a column. Nothing is published: a server imports the folder of an earlier release."""
    op.create_table(
        "repository_files",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.add_column(
        "server_state", sa.Column("publication", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )
