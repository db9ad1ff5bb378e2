"""Tables of the SQL store after the newest migration, which also makes some append-only by triggers."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA: Final = MetaData()

_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")
"""A generated key. SQLite generates keys only in columns of the type INTEGER, which has 64 bits there."""


def _generated_id() -> Column[int]:
    return Column("id", _NUMBER, primary_key=True, autoincrement=True)


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
    Column("first_seen", BigInteger),
    Column("last_seen", BigInteger),
    Column("batch", String(128)),
    Column("distributor", String(128)),
    Column("next_decision", String(16)),
    Column("next_reason", String(128)),
    Column("next_case", String(64)),
    Column("next_at", BigInteger),
)

VERDICTS: Final = Table(
    "verdicts",
    METADATA,
    _generated_id(),
    Column("jti", String(64), nullable=False, unique=True),
    Column("sub", String(64), nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("iat", BigInteger, nullable=False),
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
    Column("claims", JSON),
    Column("inputs_pruned_at", BigInteger),
    UniqueConstraint("sub", "serial"),
    sqlite_autoincrement=True,
)
Index("verdicts_unpruned", VERDICTS.c.iat, VERDICTS.c.id)
# The migration makes it an index of the rows without `inputs_pruned_at`: to say so here loads the code of each dialect.

SPENT_NONCES: Final = Table(
    "spent_nonces",
    METADATA,
    Column("nonce", LargeBinary(64), primary_key=True),
    Column("until", BigInteger, nullable=False),
    Index("spent_nonces_until", "until"),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    _generated_id(),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(256), nullable=False),
    Column("reason", Text, nullable=False),
    Column("details", JSON, nullable=False),
    Index("audit_at", "at", "id"),
    sqlite_autoincrement=True,
)

POLICY_VERSIONS: Final = Table(
    "policy_versions",
    METADATA,
    Column("policy_id", String(64), primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("put_at", BigInteger, nullable=False),
    Column("put_by", String(128), nullable=False),
)

POLICIES_IN_FORCE: Final = Table(
    "policies_in_force",
    METADATA,
    _generated_id(),
    Column("policy_id", String(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("by", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_autoincrement=True,
)

CAMPAIGN_PERIODS: Final = Table(
    "campaign_periods",
    METADATA,
    _generated_id(),
    Column("campaign", String(64), nullable=False),
    Column("begins", BigInteger, nullable=False),
    Column("ends", BigInteger),
    Column("by", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_autoincrement=True,
)

SHIPMENTS: Final = Table(
    "shipments",
    METADATA,
    _generated_id(),
    Column("tac", String(8), nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("batch", String(128), nullable=False),
    Column("distributor", String(128), nullable=False),
    Column("sale_region", String(64), nullable=False),
    Column("model", String(128), nullable=False),
    Index("shipments_range", "tac", "first"),
    sqlite_autoincrement=True,
)

ANSWERS: Final = Table(
    "idempotent_answers",
    METADATA,
    Column("key", String(256), primary_key=True),
    Column("request", String(128), nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("until", BigInteger, nullable=False),
    Index("idempotent_answers_until", "until"),
)

FAULTS: Final = Table(
    "faults",
    METADATA,
    _generated_id(),
    Column("kind", String(32), nullable=False),
    Column("route", String(16), nullable=False),
    Column("device", String(64)),
    Column("count", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("probability", Float, nullable=False),
    Column("delay", BigInteger),
    Column("status", Integer),
    Column("retry_after", BigInteger),
    Column("created", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

REPOSITORY_FILES: Final = Table(
    "repository_files",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

SERVER_STATE: Final = Table(
    "server_state",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("admin_token_hash", String(256)),
    Column("unattested_serial", BigInteger, nullable=False),
    Column("kept_from", BigInteger, nullable=False),
    Column("test_clock", BigInteger),
    Column("clock_after", BigInteger, nullable=False),
    Column("probe", LargeBinary),
    Column("expectations", Text),
    Column("publication", BigInteger, nullable=False),
)
"""Always one row, with `id` 1: the state of the whole server.

`unattested_serial` counts the verdicts on unattested evidence, which are not recorded, and is the newest serial of all
unattested devices. Records from before `kept_from` may be pruned; the database refuses to change or delete later ones.
`test_clock` is how many seconds the test clock is ahead of the real one, null without one. `clock_after` is the id of
the newest verdict when an operator accepted the clock; times up to there may be wrong. It is -1 from a start or
end with a clock behind the newest record until an operator accepts the clock. `probe` is written to learn
whether the store can be written. `expectations` is what an extension of the server expects of evidence, null for
nothing. `publication` rises with each publication of the key repository, and is 0 before the first.
"""
