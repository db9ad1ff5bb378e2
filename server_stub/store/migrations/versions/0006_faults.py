"""Faults for tests of clients, and the decision that an operator has set for a device's next answer."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add a table and columns. No device has a next answer."""
    op.create_table(
        "faults",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("route", sa.String(16), nullable=False),
        sa.Column("device", sa.String(64)),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
        sa.Column("delay", sa.BigInteger),
        sa.Column("status", sa.Integer),
        sa.Column("retry_after", sa.BigInteger),
        sa.Column("created", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    for name, kind in (
        ("next_decision", sa.String(16)),
        ("next_reason", sa.String(128)),
        ("next_case", sa.String(64)),
        ("next_at", sa.BigInteger()),
    ):
        op.add_column("devices", sa.Column(name, kind))
