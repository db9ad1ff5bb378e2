"""What a server needs to check its clock and its store."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add columns. No clock was accepted before, so every recorded time counts."""
    op.add_column(
        "server_state", sa.Column("clock_after", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )
    op.add_column("server_state", sa.Column("probe", sa.LargeBinary))
