"""Tables for operators: audit, policies, campaigns, shipments, stored responses; more about devices; whole verdicts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_APPEND_ONLY = ("audit", "policies_in_force", "campaign_periods")


def upgrade() -> None:
    """Add columns and tables. Nothing that is stored changes; of earlier verdicts the claims are not known whole."""
    _columns()
    _policies()
    _counted(
        "audit",
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(256), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
    )
    _shipments()
    _answers()
    state = op.create_table(
        "server_state",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("admin_token_hash", sa.String(256)),
    )
    op.bulk_insert(state, [{"id": 1, "revision": 0}])
    _triggers()


def _columns() -> None:
    for name, kind in (
        ("first_seen", sa.BigInteger()),
        ("last_seen", sa.BigInteger()),
        ("batch", sa.String(128)),
        ("distributor", sa.String(128)),
    ):
        op.add_column("devices", sa.Column(name, kind))
    op.add_column("verdicts", sa.Column("claims", sa.JSON))


def _policies() -> None:
    op.create_table(
        "policy_versions",
        sa.Column("policy_id", sa.String(64), primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("put_at", sa.BigInteger, nullable=False),
        sa.Column("put_by", sa.String(128), nullable=False),
    )
    _counted(
        "policies_in_force",
        sa.Column("policy_id", sa.String(64), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("by", sa.String(128), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    _counted(
        "campaign_periods",
        sa.Column("campaign", sa.String(64), nullable=False),
        sa.Column("begins", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger),
        sa.Column("by", sa.String(128), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )


def _shipments() -> None:
    _counted(
        "shipments",
        sa.Column("tac", sa.String(8), nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("batch", sa.String(128), nullable=False),
        sa.Column("distributor", sa.String(128), nullable=False),
        sa.Column("sale_region", sa.String(64), nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
    )
    op.create_index("shipments_range", "shipments", ["tac", "first"])


def _answers() -> None:
    op.create_table(
        "idempotent_answers",
        sa.Column("key", sa.String(256), primary_key=True),
        sa.Column("request", sa.String(128), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("headers", sa.JSON, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_index("idempotent_answers_until", "idempotent_answers", ["until"])


def _counted(table: str, *columns: sa.Column[object]) -> None:
    number = sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
    op.create_table(table, number, *columns, sqlite_autoincrement=True)


def _triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in _APPEND_ONLY:
            for change in ("UPDATE", "DELETE"):
                _refuse_sqlite(
                    f"{table}_no_{change.lower()}", f"{change} ON {table}", f"{table} is append-only"
                )
            _refuse_sqlite(f"{table}_no_replace", _replaced(table, "id = NEW.id"), f"{table} is append-only")
        _refuse_sqlite("verdicts_no_replace", _replaced("verdicts", _SAME), "verdict records are append-only")
        _refuse_sqlite("policy_versions_fixed", f"UPDATE ON policy_versions WHEN {_FIXED}", _FIXED_MESSAGE)
    else:
        for table in _APPEND_ONLY:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_not_truncated BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        op.execute(_FIXED_FUNCTION)
        op.execute(
            "CREATE TRIGGER policy_versions_fixed BEFORE UPDATE ON policy_versions "
            "FOR EACH ROW EXECUTE FUNCTION refuse_fixed_policy()"
        )


def _refuse_sqlite(name: str, when: str, message: str) -> None:
    op.execute(f"CREATE TRIGGER {name} BEFORE {when} BEGIN SELECT RAISE(ABORT, '{message}'); END")


def _replaced(table: str, same: str) -> str:
    """INSERT OR REPLACE deletes without a trigger for deleting."""
    return f"INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - constants


_SAME = "id = NEW.id OR jti = NEW.jti OR (sub = NEW.sub AND serial = NEW.serial)"
_FIXED = (
    "NEW.text <> OLD.text AND EXISTS (SELECT 1 FROM policies_in_force AS known "
    "WHERE known.policy_id = OLD.policy_id AND known.version = OLD.version)"
)
_FIXED_MESSAGE = "a policy that has been in force stays as it was"
_FIXED_FUNCTION = f"""
CREATE FUNCTION refuse_fixed_policy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF {_FIXED} THEN
        RAISE EXCEPTION '{_FIXED_MESSAGE}' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""
