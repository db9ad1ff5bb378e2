"""Statements in the words of the driver.

SQLAlchemy compiles; the driver executes. `Connection.execute` would cost several times what the database takes.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import (
    ClauseElement,
    Insert,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.compiler import SQLCompiler

from server_stub.store.schema import (
    ANSWERS,
    AUDIT,
    CAMPAIGN_PERIODS,
    DEVICES,
    POLICIES_IN_FORCE,
    POLICY_VERSIONS,
    SERVER_STATE,
    SHIPMENTS,
    SPENT_NONCES,
    VERDICTS,
)

POSTGRESQL: Final = "postgresql"

_Upsert = Callable[[Table], Any]


class Statement:
    """One statement, compiled once for a driver that takes parameters by position or by name."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        # A list of values becomes as many parameters here: the driver does not know lists.
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        if not isinstance(compiled, SQLCompiler):
            raise TypeError(f"{dialect.name} does not compile {type(statement).__name__}")
        self._text = str(compiled)
        self._names = None if compiled.positiontup is None else tuple(compiled.positiontup)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def __call__(self, cursor: DBAPICursor, values: Mapping[str, object] | None = None) -> None:
        """Execute with `values`, by the names of the parameters."""
        every = {**self._fixed, **(values or {})} if self._fixed else values or {}
        if self._names is None:
            cursor.execute(self._text, every)
        else:
            cursor.execute(self._text, [every[name] for name in self._names])


class Statements:
    """What the store says to a database of `dialect`. What is read in a transaction is locked, where that is needed."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        postgresql = dialect.name == POSTGRESQL
        upsert: _Upsert = insert_postgresql if postgresql else insert_sqlite
        self.forget_expired = self.of(_FORGET_EXPIRED)
        self.spend = self.of(upsert(SPENT_NONCES).on_conflict_do_nothing())
        self.device = self.of(_DEVICE)
        self.device_locked = self.of(_DEVICE.with_for_update())
        self.remember = self.of(_remember(upsert, func.greatest if postgresql else func.max))
        self.record = self.of(_append(VERDICTS))
        self.key_of = self.of(_KEY_OF)
        self.append_audit = self.of(_append(AUDIT))
        self.put_policy = self.of(_replace(upsert, POLICY_VERSIONS))
        self.policies = self.of(_POLICIES)
        self.policy = self.of(_POLICY)
        self.has_been_in_force = self.of(_HAS_BEEN_IN_FORCE)
        self.put_in_force = self.of(_append(POLICIES_IN_FORCE))
        self.in_force = self.of(_IN_FORCE)
        self.in_force_history = self.of(select(POLICIES_IN_FORCE).order_by(POLICIES_IN_FORCE.c.id))
        self.put_campaign = self.of(_append(CAMPAIGN_PERIODS))
        self.campaigns = self.of(_CAMPAIGNS)
        self.revision = self.of(select(SERVER_STATE.c.revision))
        self.revise = self.of(update(SERVER_STATE).values(revision=SERVER_STATE.c.revision + 1))
        self.add_shipment = self.of(_append(SHIPMENTS))
        self.shipment_of = self.of(_SHIPMENT_OF)
        self.keep_answer = self.of(_replace(upsert, ANSWERS))
        self.answer_for = self.of(select(ANSWERS).where(ANSWERS.c.key == bindparam("key")))
        self.forget_answers = self.of(delete(ANSWERS).where(ANSWERS.c.until <= bindparam("now")))
        self.admin_token_hash = self.of(select(SERVER_STATE.c.admin_token_hash))
        self.admin_token_hash_locked = self.of(select(SERVER_STATE.c.admin_token_hash).with_for_update())
        self.set_admin_token_hash = self.of(
            update(SERVER_STATE).values(admin_token_hash=bindparam("admin_token_hash"))
        )

    def of(self, statement: ClauseElement) -> Statement:
        """A statement that is made when it is needed."""
        return Statement(statement, self._dialect)


_COMPILED: Final[dict[tuple[str, str], Statements]] = {}


def statements_for(dialect: Dialect) -> Statements:
    """The statements for databases of this kind. They are compiled once: what they say depends on nothing else."""
    kind = (dialect.name, dialect.paramstyle)
    if kind not in _COMPILED:
        _COMPILED[kind] = Statements(dialect)
    return _COMPILED[kind]


def _append(table: Table) -> Insert:
    """A new row under a number that the database gives."""
    return insert(table).values({each.name: bindparam(each.name) for each in table.c if not each.primary_key})


def _replace(upsert: _Upsert, table: Table) -> Insert:
    """A new row, or new values of the row with its key."""
    new: Any = upsert(table).values({each.name: bindparam(each.name) for each in table.c})
    changed: Insert = new.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={each.name: each for each in new.excluded if not each.primary_key},
    )
    return changed


def _remember(upsert: _Upsert, greatest: Callable[..., Any]) -> Insert:
    """The serial never falls, whatever the caller knew of it."""
    new: Any = upsert(DEVICES).values({each.name: bindparam(each.name) for each in DEVICES.c})
    set_ = {each.name: each for each in new.excluded if not each.primary_key}
    set_["last_serial"] = greatest(new.excluded.last_serial, DEVICES.c.last_serial)
    changed: Insert = new.on_conflict_do_update(index_elements=["sub"], set_=set_)
    return changed


_EXPIRED: Final = (
    select(SPENT_NONCES.c.nonce)
    .where(SPENT_NONCES.c.until <= bindparam("now"))
    .with_for_update(skip_locked=True)
)
_FORGET_EXPIRED: Final = delete(SPENT_NONCES).where(SPENT_NONCES.c.nonce.in_(_EXPIRED))
"""Two servers that forget at once do not wait for each other."""

_DEVICE: Final = select(DEVICES).where(DEVICES.c.sub == bindparam("sub"))
_KEY_OF: Final = (
    select(VERDICTS.c.jkt)
    .where(VERDICTS.c.sub == bindparam("sub"))
    .group_by(VERDICTS.c.jkt)
    .order_by(func.max(VERDICTS.c.serial).desc())
    .limit(bindparam("count"))
    .offset(bindparam("back"))
)
_POLICIES: Final = select(POLICY_VERSIONS).order_by(POLICY_VERSIONS.c.policy_id, POLICY_VERSIONS.c.version)
_POLICY: Final = select(POLICY_VERSIONS).where(
    POLICY_VERSIONS.c.policy_id == bindparam("policy_id"), POLICY_VERSIONS.c.version == bindparam("version")
)
_HAS_BEEN_IN_FORCE: Final = (
    select(POLICIES_IN_FORCE.c.id)
    .where(
        POLICIES_IN_FORCE.c.policy_id == bindparam("policy_id"),
        POLICIES_IN_FORCE.c.version == bindparam("version"),
    )
    .limit(1)
)
_IN_FORCE: Final = select(POLICIES_IN_FORCE).order_by(POLICIES_IN_FORCE.c.id.desc()).limit(1)


def _campaigns() -> Select[Any]:
    newest = select(func.max(CAMPAIGN_PERIODS.c.id)).group_by(CAMPAIGN_PERIODS.c.campaign)
    return (
        select(CAMPAIGN_PERIODS)
        .where(CAMPAIGN_PERIODS.c.id.in_(newest))
        .order_by(CAMPAIGN_PERIODS.c.campaign)
    )


_CAMPAIGNS: Final = _campaigns()
_SHIPMENT_OF: Final = (
    select(SHIPMENTS)
    .where(
        SHIPMENTS.c.tac == bindparam("tac"),
        SHIPMENTS.c.first <= bindparam("serial"),
        SHIPMENTS.c.last >= bindparam("serial"),
    )
    .order_by(SHIPMENTS.c.id.desc())
    .limit(1)
)
