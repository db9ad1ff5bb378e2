"""The test clock of a database that was created for tests of clients."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add a column. It is null in a database that has no test clock, as every earlier one."""
    op.add_column("server_state", sa.Column("test_clock", sa.BigInteger))
