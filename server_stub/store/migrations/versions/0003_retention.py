"""Retention: inputs of verdicts and old audit entries can be pruned; verdicts on unattested evidence are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add columns and indexes. Nothing that is stored changes; verdicts on unattested evidence stay until pruned."""
    op.add_column("verdicts", sa.Column("inputs_pruned_at", sa.BigInteger))
    op.drop_index("ix_verdicts_iat", "verdicts")
    unpruned = sa.text("inputs_pruned_at IS NULL")
    op.create_index(
        "verdicts_unpruned", "verdicts", ["iat", "id"], sqlite_where=unpruned, postgresql_where=unpruned
    )
    op.create_index("audit_at", "audit", ["at", "id"])
    for name in ("unattested_serial", "kept_from"):
        op.add_column(
            "server_state", sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))
        )
    # An unattested device whose evidence names no serial has had at most as many as there are records.
    op.execute(
        "UPDATE server_state SET unattested_serial = (SELECT count(*) FROM verdicts "
        "WHERE NOT EXISTS (SELECT 1 FROM devices WHERE devices.sub = verdicts.sub))"
    )
    for statement in _TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


_FIXED = (
    "id, jti, sub, serial, iat, exp, decision, reason, territory, policy_id, policy_version, rule, trust, identity, "
    "case_number, jkt, token_digest"
)


def _fixed(row: str) -> str:
    return ", ".join(f"{row}.{column}" for column in _FIXED.split(", "))


_KEPT_FROM = "(SELECT kept_from FROM server_state)"
_UNKNOWN = "NOT EXISTS (SELECT 1 FROM devices WHERE devices.sub = OLD.sub)"


def _pruned(text: str, same: str) -> str:
    """Whether an update of a verdict removes its inputs and nothing else. `text` casts JSON, `same` compares rows."""
    emptied = " AND ".join(f"NEW.{column}{text} = '{{}}'" for column in ("inputs", "appraisal", "judgement"))
    return (
        f"OLD.inputs_pruned_at IS NULL AND NEW.inputs_pruned_at IS NOT NULL AND OLD.iat < {_KEPT_FROM} "
        f"AND {emptied} AND NEW.claims IS NULL AND ({_fixed('NEW')}) {same} ({_fixed('OLD')})"
    )


_TRIGGERS = {
    "sqlite": [
        "DROP TRIGGER verdicts_no_update",
        "DROP TRIGGER verdicts_no_delete",
        "DROP TRIGGER audit_no_delete",
        f"CREATE TRIGGER verdicts_no_update BEFORE UPDATE ON verdicts WHEN NOT ({_pruned('', 'IS')}) "
        "BEGIN SELECT RAISE(ABORT, 'verdict records are append-only'); END",
        f"CREATE TRIGGER verdicts_no_delete BEFORE DELETE ON verdicts WHEN NOT (OLD.iat < {_KEPT_FROM} AND {_UNKNOWN}) "
        "BEGIN SELECT RAISE(ABORT, 'verdict records are append-only'); END",
        f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN NOT (OLD.at < {_KEPT_FROM}) "
        "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
    ],
    "postgresql": [
        "DROP TRIGGER verdicts_append_only ON verdicts",
        "DROP TRIGGER audit_append_only ON audit",
        f"""CREATE FUNCTION refuse_verdict_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF TG_OP = 'UPDATE' THEN
                IF {_pruned("::text", "IS NOT DISTINCT FROM")} THEN RETURN NEW; END IF;
            ELSIF OLD.iat < {_KEPT_FROM} AND {_UNKNOWN} THEN RETURN OLD;
            END IF;
            RAISE EXCEPTION 'verdicts is append-only' USING ERRCODE = 'restrict_violation';
        END $$""",
        f"""CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF TG_OP = 'DELETE' AND OLD.at < {_KEPT_FROM} THEN RETURN OLD; END IF;
            RAISE EXCEPTION 'audit is append-only' USING ERRCODE = 'restrict_violation';
        END $$""",
        "CREATE TRIGGER verdicts_append_only BEFORE UPDATE OR DELETE ON verdicts "
        "FOR EACH ROW EXECUTE FUNCTION refuse_verdict_change()",
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()",
    ],
}
