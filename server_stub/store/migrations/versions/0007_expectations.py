"""What a server for tests of clients expects of evidence."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add a column. It is null where nothing is expected."""
    op.add_column("server_state", sa.Column("expectations", sa.Text))
