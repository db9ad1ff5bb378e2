"""The first schema: devices, verdicts, spent nonces. Databases of before the migrations have it too."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, and let the database itself reject changes of a verdict."""
    _devices()
    _verdicts()
    op.create_table(
        "spent_nonces",
        sa.Column("nonce", sa.LargeBinary(64), primary_key=True),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_index("spent_nonces_until", "spent_nonces", ["until"])
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def _devices() -> None:
    op.create_table(
        "devices",
        sa.Column("sub", sa.String(64), primary_key=True),
        sa.Column("activated_at", sa.BigInteger),
        sa.Column("activation_territory", sa.String(8)),
        sa.Column("sale_region", sa.String(64), nullable=False),
        sa.Column("model", sa.String(128)),
        sa.Column("last_serial", sa.BigInteger, nullable=False),
        sa.Column("locks_at", sa.BigInteger),
        sa.Column("override_decision", sa.String(16)),
        sa.Column("override_reason", sa.String(128)),
        sa.Column("override_case", sa.String(64)),
        sa.Column("override_at", sa.BigInteger),
    )


def _verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("jti", sa.String(64), nullable=False, unique=True),
        sa.Column("sub", sa.String(64), nullable=False),
        sa.Column("serial", sa.BigInteger, nullable=False),
        sa.Column("iat", sa.BigInteger, nullable=False),
        sa.Column("exp", sa.BigInteger, nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("territory", sa.String(8)),
        sa.Column("policy_id", sa.String(64), nullable=False),
        sa.Column("policy_version", sa.BigInteger, nullable=False),
        sa.Column("rule", sa.String(64), nullable=False),
        sa.Column("trust", sa.String(16), nullable=False),
        sa.Column("identity", sa.String(16), nullable=False),
        sa.Column("case_number", sa.String(64)),
        sa.Column("jkt", sa.String(43), nullable=False),
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("inputs", sa.JSON, nullable=False),
        sa.Column("appraisal", sa.JSON, nullable=False),
        sa.Column("judgement", sa.JSON, nullable=False),
        sa.UniqueConstraint("sub", "serial"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_verdicts_iat", "verdicts", ["iat"])


_APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER verdicts_no_{change.lower()} BEFORE {change} ON verdicts "
        "BEGIN SELECT RAISE(ABORT, 'verdict records are append-only'); END"
        for change in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$",
        "CREATE TRIGGER verdicts_append_only BEFORE UPDATE OR DELETE ON verdicts "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        "CREATE TRIGGER verdicts_not_truncated BEFORE TRUNCATE ON verdicts "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    ],
}
