"""SQL statements: those that are compiled once, and searches, which depend on the query.

SQLAlchemy compiles; the driver executes. `Connection.execute` would cost several times as much as the database.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    ColumnElement,
    Insert,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    union_all,
    update,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.compiler import SQLCompiler

from server_stub.store.queries import AuditQuery, DeviceQuery
from server_stub.store.schema import (
    ANSWERS,
    AUDIT,
    CAMPAIGN_PERIODS,
    DEVICES,
    FAULTS,
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
    """A statement compiled for a driver that takes parameters by position or by name."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        # A list of values is expanded to as many parameters here: the driver does not accept lists.
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        if not isinstance(compiled, SQLCompiler):
            raise TypeError(f"{dialect.name} does not compile {type(statement).__name__}")
        self._text = str(compiled)
        self._names = None if compiled.positiontup is None else tuple(compiled.positiontup)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def __call__(self, cursor: DBAPICursor, values: Mapping[str, object] | None = None) -> None:
        """Execute with `values`, by the names of the parameters."""
        parameters = {**self._fixed, **(values or {})} if self._fixed else values or {}
        if self._names is None:
            cursor.execute(self._text, parameters)
        else:
            cursor.execute(self._text, [parameters[name] for name in self._names])


@lru_cache(maxsize=256)
def _compiled(statement: ClauseElement, dialect: Dialect) -> Statement:
    return Statement(statement, dialect)


class ServerStateStatements:
    """The statements about the state of the whole server, for databases of `dialect`."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        admin_token_hash = select(SERVER_STATE.c.admin_token_hash)
        self.revision = self.compile(select(SERVER_STATE.c.revision))
        self.increment_revision = self.compile(
            update(SERVER_STATE).values(revision=SERVER_STATE.c.revision + 1)
        )
        self.next_unattested_serial = self.compile(_NEXT_UNATTESTED_SERIAL)
        self.admin_token_hash = self.compile(admin_token_hash)
        self.admin_token_hash_locked = self.compile(admin_token_hash.with_for_update())
        self.newest_at = self.compile(_NEWEST_AT)
        self.accept_clock = self.compile(
            update(SERVER_STATE).values(
                clock_after=select(func.coalesce(func.max(VERDICTS.c.id), 0)).scalar_subquery()
            )
        )
        self.clock_behind = self.compile(select(SERVER_STATE.c.clock_after < 0))
        self.note_clock_behind = self.compile(update(SERVER_STATE).values(clock_after=-1))
        self.probe = self.compile(update(SERVER_STATE).values(probe=bindparam("content")))
        self.test_clock = self.compile(_TEST_CLOCK)
        self.test_clock_locked = self.compile(_TEST_CLOCK.with_for_update())
        self.expectations = self.compile(select(SERVER_STATE.c.expectations))
        self.set_expectations = self.compile(update(SERVER_STATE).values(expectations=bindparam("text")))
        self.set_test_clock = self.compile(update(SERVER_STATE).values(test_clock=bindparam("ahead")))
        self.set_admin_token_hash = self.compile(
            update(SERVER_STATE).values(admin_token_hash=bindparam("admin_token_hash"))
        )

    def compile(self, statement: ClauseElement) -> Statement:
        """`statement`, compiled once as long as it is remembered."""
        return _compiled(statement, self._dialect)


class Statements(ServerStateStatements):
    """The statements that do not depend on a query, for databases of `dialect`."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        # The engine has loaded this package, and only this one of all dialects.
        upsert: _Upsert = import_module(f"sqlalchemy.dialects.{dialect.name}").insert
        greatest = func.greatest if dialect.name == POSTGRESQL else func.max
        put_device, new = _put(upsert, DEVICES)
        put_device = put_device.on_conflict_do_update(
            index_elements=["sub"],
            # The serial never falls, whatever the caller knew of it.
            set_=new | {"last_serial": greatest(new["last_serial"], DEVICES.c.last_serial)},
        )

        self.spend_nonce = self.compile(upsert(SPENT_NONCES).on_conflict_do_nothing())
        self.delete_expired_nonces = self.compile(_DELETE_EXPIRED_NONCES)
        self.device = self.compile(_DEVICE)
        self.device_locked = self.compile(_DEVICE.with_for_update())
        self.put_device = self.compile(put_device)
        self.append_verdict = self.compile(_append(VERDICTS))
        self.key_of = self.compile(_KEY_OF)
        self.append_audit = self.compile(_append(AUDIT))
        self.put_policy = self.compile(_replace(upsert, POLICY_VERSIONS))
        self.policies = self.compile(_POLICIES)
        self.policy = self.compile(_POLICY)
        self.has_been_in_force = self.compile(_HAS_BEEN_IN_FORCE)
        self.put_in_force = self.compile(_append(POLICIES_IN_FORCE))
        self.in_force = self.compile(_IN_FORCE)
        self.in_force_history = self.compile(select(POLICIES_IN_FORCE).order_by(POLICIES_IN_FORCE.c.id))
        self.put_campaign = self.compile(_append(CAMPAIGN_PERIODS))
        self.campaigns = self.compile(_CAMPAIGNS)
        self.faults = self.compile(select(FAULTS).where(_LEFT).order_by(FAULTS.c.id))
        self.add_fault = self.compile(_append(FAULTS).returning(FAULTS.c.id))
        self.use_fault = self.compile(
            update(FAULTS).values(used=FAULTS.c.used + 1).where(_LEFT, FAULTS.c.id == bindparam("number"))
        )
        self.delete_fault = self.compile(delete(FAULTS).where(FAULTS.c.id == bindparam("number")))
        self.delete_used_faults = self.compile(delete(FAULTS).where(~_LEFT))
        self.add_shipment = self.compile(_append(SHIPMENTS))
        self.shipment_of = self.compile(_SHIPMENT_OF)
        self.put_answer = self.compile(_replace(upsert, ANSWERS))
        self.answer = self.compile(select(ANSWERS).where(ANSWERS.c.key == bindparam("key")))
        self.delete_expired_answers = self.compile(delete(ANSWERS).where(ANSWERS.c.until <= bindparam("now")))
        now = bindparam("now", type_=BigInteger)
        self.see_devices_now = self.compile(
            update(DEVICES)
            .where(DEVICES.c.last_seen > now)
            .values(locks_at=DEVICES.c.locks_at - DEVICES.c.last_seen + now, last_seen=now)
        )


_COMPILED: Final[dict[tuple[str, str], Statements]] = {}


def statements_for(dialect: Dialect) -> Statements:
    """The statements for databases of this kind. They depend on nothing else, so they are compiled once."""
    kind = (dialect.name, dialect.paramstyle)
    if kind not in _COMPILED:
        _COMPILED[kind] = Statements(dialect)
    return _COMPILED[kind]


def _append(table: Table) -> Insert:
    """Insert a row whose primary key the database generates."""
    given = [each for each in table.c if not each.primary_key and each is not VERDICTS.c.inputs_pruned_at]
    return insert(table).values({each.name: bindparam(each.name) for each in given})


def _put(upsert: _Upsert, table: Table) -> tuple[Any, dict[str, Any]]:
    """An insert of a whole row, and its new values outside the primary key."""
    put = upsert(table).values({each.name: bindparam(each.name) for each in table.c})
    return put, {each.name: each for each in put.excluded if not each.primary_key}


def _replace(upsert: _Upsert, table: Table) -> Insert:
    """Insert a row, or replace the values of the row with its key."""
    put, new = _put(upsert, table)
    replaced: Insert = put.on_conflict_do_update(index_elements=list(table.primary_key), set_=new)
    return replaced


_EXPIRED: Final = (
    select(SPENT_NONCES.c.nonce)
    .where(SPENT_NONCES.c.until <= bindparam("now"))
    .with_for_update(skip_locked=True)
)
_DELETE_EXPIRED_NONCES: Final = delete(SPENT_NONCES).where(SPENT_NONCES.c.nonce.in_(_EXPIRED))
"""Two servers that delete at the same time do not wait for each other."""

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
_NEWEST_VERDICT: Final = (
    select(VERDICTS.c.iat.label("at"))
    .where(VERDICTS.c.id > select(SERVER_STATE.c.clock_after).scalar_subquery())
    .order_by(VERDICTS.c.id.desc())
    .limit(1)
    .subquery()
)
_NEWEST_ENTRY: Final = select(AUDIT.c.at).order_by(AUDIT.c.id.desc()).limit(1).subquery()
_NEWEST_AT: Final = select(
    func.max(union_all(select(_NEWEST_VERDICT), select(_NEWEST_ENTRY)).subquery().c.at)
)
_TEST_CLOCK: Final = select(SERVER_STATE.c.test_clock)
_IN_FORCE: Final = select(POLICIES_IN_FORCE).order_by(POLICIES_IN_FORCE.c.id.desc()).limit(1)
_NEWEST_PERIODS: Final = select(func.max(CAMPAIGN_PERIODS.c.id)).group_by(CAMPAIGN_PERIODS.c.campaign)
_CAMPAIGNS: Final = (
    select(CAMPAIGN_PERIODS)
    .where(CAMPAIGN_PERIODS.c.id.in_(_NEWEST_PERIODS))
    .order_by(CAMPAIGN_PERIODS.c.campaign)
)
_LEFT: Final = FAULTS.c.used < FAULTS.c.count
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


_NEXT_UNATTESTED_SERIAL: Final = (
    update(SERVER_STATE)
    .values(unattested_serial=SERVER_STATE.c.unattested_serial + 1)
    .returning(SERVER_STATE.c.unattested_serial)
)


def devices(query: DeviceQuery, after: str | None, limit: int) -> Select[Any]:
    """Rows of `devices` in the order of `sub`, at most `limit`."""
    search = select(DEVICES)
    if query.territory is not None or query.decision is not None:
        newest = and_(VERDICTS.c.sub == DEVICES.c.sub, VERDICTS.c.serial == DEVICES.c.last_serial)
        search = search.join(VERDICTS, newest)
    columns = (
        (VERDICTS.c.territory, query.territory),
        (VERDICTS.c.decision, None if query.decision is None else query.decision.value),
        (DEVICES.c.activation_territory, query.activation_territory),
        (DEVICES.c.sale_region, query.sale_region),
        (DEVICES.c.model, query.model),
        (DEVICES.c.batch, query.batch),
        (DEVICES.c.distributor, query.distributor),
    )
    conditions = [column == value for column, value in columns if value is not None]
    if query.locked_at is not None:
        conditions.append(DEVICES.c.locks_at <= query.locked_at)
    if query.overridden is not None:
        overridden = DEVICES.c.override_decision.is_not(None)
        conditions.append(overridden if query.overridden else ~overridden)
    if query.activated_from is not None:
        conditions.append(DEVICES.c.activated_at >= query.activated_from)
    if query.activated_until is not None:
        conditions.append(DEVICES.c.activated_at < query.activated_until)
    if after is not None:
        conditions.append(DEVICES.c.sub > after)
    return search.where(*conditions).order_by(DEVICES.c.sub).limit(limit)


def locked_devices(subs: list[str]) -> Select[Any]:
    """The present records of these devices, locked for a transaction that may change them."""
    return select(DEVICES).where(DEVICES.c.sub.in_(subs)).order_by(DEVICES.c.sub).with_for_update()


def history(sub: str, before: int | None, limit: int) -> Select[Any]:
    """Rows of `verdicts` about one device, newest first, at most `limit`."""
    search = select(VERDICTS).where(VERDICTS.c.sub == sub)
    if before is not None:
        search = search.where(VERDICTS.c.serial < before)
    return search.order_by(VERDICTS.c.serial.desc()).limit(limit)


@lru_cache(maxsize=32)
def audit(query: AuditQuery, before: int | None, limit: int) -> Select[Any]:
    """Rows of `audit`, newest first, at most `limit`."""
    conditions: list[ColumnElement[bool]] = []
    if query.actor is not None:
        conditions.append(AUDIT.c.actor == query.actor)
    if query.subject is not None:
        conditions.append(AUDIT.c.subject == query.subject)
    if query.action is not None:
        # LIKE ignores case in SQLite and not in PostgreSQL.
        conditions.append(func.substr(AUDIT.c.action, 1, len(query.action)) == query.action)
    if query.since is not None:
        conditions.append(AUDIT.c.at >= query.since)
    if query.until is not None:
        conditions.append(AUDIT.c.at < query.until)
    if before is not None:
        conditions.append(AUDIT.c.id < before)
    return select(AUDIT).where(*conditions).order_by(AUDIT.c.id.desc()).limit(limit)
