"""Tables of the SQL store. Verdict records are append-only, which the database itself enforces."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    event,
)

METADATA: Final = MetaData()

DEVICES: Final = Table(
    "devices",
    METADATA,
    Column("sub", String(64), primary_key=True),
    Column("activated_at", BigInteger),
    Column("activation_territory", String(8)),
    Column("sale_region", String(64), nullable=False),
    Column("model", String(128)),
    Column("last_serial", BigInteger, nullable=False),
    Column("locks_at", BigInteger),
    Column("override_decision", String(16)),
    Column("override_reason", String(128)),
    Column("override_case", String(64)),
    Column("override_at", BigInteger),
)

VERDICTS: Final = Table(
    "verdicts",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("jti", String(64), nullable=False, unique=True),
    Column("sub", String(64), nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("iat", BigInteger, nullable=False, index=True),
    Column("exp", BigInteger, nullable=False),
    Column("decision", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("territory", String(8)),
    Column("policy_id", String(64), nullable=False),
    Column("policy_version", BigInteger, nullable=False),
    Column("rule", String(64), nullable=False),
    Column("trust", String(16), nullable=False),
    Column("identity", String(16), nullable=False),
    Column("case_number", String(64)),
    Column("jkt", String(43), nullable=False),
    Column("token_digest", String(64), nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("appraisal", JSON, nullable=False),
    Column("judgement", JSON, nullable=False),
    UniqueConstraint("sub", "serial"),
    sqlite_autoincrement=True,
)

SPENT_NONCES: Final = Table(
    "spent_nonces",
    METADATA,
    Column("nonce", LargeBinary(64), primary_key=True),
    Column("until", BigInteger, nullable=False),
    Index("spent_nonces_until", "until"),
)


@event.listens_for(VERDICTS, "after_create")
def _append_only(_: Table, connection: Connection, **__: object) -> None:
    for change in ("UPDATE", "DELETE"):
        connection.exec_driver_sql(
            f"CREATE TRIGGER verdicts_no_{change.lower()} BEFORE {change} ON verdicts "
            "BEGIN SELECT RAISE(ABORT, 'verdict records are append-only'); END"
        )
