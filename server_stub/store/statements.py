"""SQL statements, and their execution: SQLAlchemy compiles each once, the driver executes.

On SQLite `Connection.execute` takes 45 µs more for each: for a verdict, 1.7 times as much as its signatures.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    ColumnElement,
    Delete,
    Insert,
    Integer,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.compiler import SQLCompiler

from server_stub.store.records import AuditQuery, DeviceQuery, RecordKind, RetentionStep
from server_stub.store.schema import (
    ANSWERS,
    AUDIT,
    CAMPAIGN_PERIODS,
    DEVICES,
    FAULTS,
    POLICIES_IN_FORCE,
    POLICY_VERSIONS,
    REPOSITORY_FILES,
    SERVER_STATE,
    SHIPMENTS,
    SPENT_NONCES,
    VERDICTS,
)
from wire.codes import Decision


def execute(
    cursor: DBAPICursor, dialect: Dialect, statement: ClauseElement, values: Mapping[str, object]
) -> DBAPICursor:
    """Execute `statement` with `values`, by the names of its parameters, and return the cursor."""
    text, names, fixed = _compiled(statement, dialect)
    parameters = {**fixed, **values} if fixed else values
    cursor.execute(text, parameters if names is None else [parameters[name] for name in names])
    return cursor


def execute_each(
    cursor: DBAPICursor, dialect: Dialect, statement: ClauseElement, rows: Sequence[Mapping[str, object]]
) -> None:
    """Execute `statement`, which returns nothing, once for each of `rows`."""
    text, names, _ = _compiled(statement, dialect)
    cursor.executemany(text, rows if names is None else [[row[name] for name in names] for row in rows])


@lru_cache(maxsize=512)
def _compiled(statement: ClauseElement, dialect: Dialect) -> tuple[str, list[str] | None, dict[str, object]]:
    """The text, the order of its parameters if they have no names, and the parameters that have a value."""
    # A list of values is expanded to as many parameters here: the driver does not accept lists.
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    if not isinstance(compiled, SQLCompiler):
        raise TypeError(f"{dialect.name} does not compile {type(statement).__name__}")
    fixed = {name: value for name, value in compiled.params.items() if value is not None}
    return str(compiled), compiled.positiontup, fixed


def prepare_verdicts(dialect: Dialect, *, lock: bool) -> None:
    """Compile what a verdict executes, so that the first one is as quick as the next ones."""
    nonces = (spend_nonces(dialect.name, 1), DELETE_EXPIRED_NONCES)
    known = (known_devices(1, lock=False), known_devices(1, lock=lock), device(lock=lock))
    devices = (*known, shipments_of(1), put(DEVICES, dialect.name))
    for each in (*nonces, *devices, append(VERDICTS), increment_state("unattested_serial")):
        _compiled(each, dialect)


def _find(table: Table, *columns: str) -> Select[Any]:
    return select(table).where(*(table.c[name] == bindparam(name) for name in columns))


@cache
def append(table: Table) -> Insert:
    """Insert a row whose primary key the database generates, if it is one number."""
    given = [each for each in table.c if each.name not in ("id", "inputs_pruned_at")]
    return insert(table).values({each.name: bindparam(each.name) for each in given})


@cache
def put(table: Table, dialect: str) -> Insert:
    """Insert a row, or replace the values of the row with its key."""
    # The engine has loaded this package, and only this one of all dialects.
    inserted = import_module(f"sqlalchemy.dialects.{dialect}").insert(table)
    new = {each.name: each for each in inserted.excluded if not each.primary_key}
    if table is DEVICES:
        # The serial never falls, whatever the caller knew of it.
        serial, known = new["last_serial"], DEVICES.c.last_serial
        new["last_serial"] = case((serial > known, serial), else_=known)
    put: Insert = inserted.on_conflict_do_update(index_elements=list(table.primary_key), set_=new)
    return put


@cache
def spend_nonces(dialect: str, count: int) -> Insert:
    """Insert those of `count` nonces that were not spent before, in their order, and return them."""
    rows: list[dict[str, Any]] = [
        {each.name: bindparam(f"{each.name}{number}") for each in SPENT_NONCES.c} for number in range(count)
    ]
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert(SPENT_NONCES)
    spent: Insert = insert.values(rows).on_conflict_do_nothing().returning(SPENT_NONCES.c.nonce)
    return spent


@cache
def device(*, lock: bool) -> Select[Any]:
    """A device. SQLite has no row locks, and ignores `lock`."""
    found = _find(DEVICES, "sub")
    return found.with_for_update() if lock else found


@cache
def known_devices(count: int, *, lock: bool) -> Select[Any]:
    """Those of `count` devices that exist, in the order of their pseudonyms."""
    subs: list[Any] = [bindparam(f"sub{number}") for number in range(count)]
    found = select(DEVICES).where(DEVICES.c.sub.in_(subs)).order_by(DEVICES.c.sub)
    return found.with_for_update() if lock else found


@cache
def state(column: str, *, lock: bool = False) -> Select[Any]:
    """A part of the state of the whole server."""
    found = select(SERVER_STATE.c[column])
    return found.with_for_update() if lock else found


@cache
def set_state(column: str) -> Update:
    """Replace a part of the state of the whole server."""
    return update(SERVER_STATE).values({column: bindparam(column)})


@cache
def increment_state(column: str) -> Update:
    """Increment a number of the state of the whole server, and return it."""
    number = SERVER_STATE.c[column]
    return update(SERVER_STATE).values({column: number + 1}).returning(number)


_EXPIRED: Final = (
    select(SPENT_NONCES.c.nonce)
    .where(SPENT_NONCES.c.until <= bindparam("now"))
    .with_for_update(skip_locked=True)
)
DELETE_EXPIRED_NONCES: Final = delete(SPENT_NONCES).where(SPENT_NONCES.c.nonce.in_(_EXPIRED))
"""Two servers that delete at the same time do not wait for each other."""

NUMBERS: Final = select(SERVER_STATE.c.revision, SERVER_STATE.c.publication)
SELECT_NUMBERS: Final = "SELECT revision, publication FROM server_state"
REPOSITORY_FILE: Final = select(REPOSITORY_FILES.c.content).where(
    REPOSITORY_FILES.c.name == bindparam("name")
)
ALL_REPOSITORY_FILES: Final = select(REPOSITORY_FILES)
ANSWER: Final = _find(ANSWERS, "key")
POLICY: Final = _find(POLICY_VERSIONS, "policy_id", "version")
KEY_OF: Final = (
    select(VERDICTS.c.jkt)
    .where(VERDICTS.c.sub == bindparam("sub"))
    .group_by(VERDICTS.c.jkt)
    .order_by(func.max(VERDICTS.c.serial).desc())
    .limit(bindparam("count"))
    .offset(bindparam("back"))
)
POLICIES: Final = select(POLICY_VERSIONS).order_by(POLICY_VERSIONS.c.policy_id, POLICY_VERSIONS.c.version)
_NEWEST_VERDICT: Final = (
    select(VERDICTS.c.iat.label("at"))
    .where(VERDICTS.c.id > select(SERVER_STATE.c.clock_after).scalar_subquery())
    .order_by(VERDICTS.c.id.desc())
    .limit(1)
    .subquery()
)
_NEWEST_ENTRY: Final = select(AUDIT.c.at).order_by(AUDIT.c.id.desc()).limit(1).subquery()
NEWEST_AT: Final = select(func.max(union_all(select(_NEWEST_VERDICT), select(_NEWEST_ENTRY)).subquery().c.at))
CLOCK_BEHIND: Final = select(SERVER_STATE.c.clock_after < 0)
ACCEPT_CLOCK: Final = update(SERVER_STATE).values(
    clock_after=select(func.coalesce(func.max(VERDICTS.c.id), 0)).scalar_subquery()
)
_NOW: Final = bindparam("now", type_=BigInteger)
SEE_DEVICES_NOW: Final = (
    update(DEVICES)
    .where(DEVICES.c.last_seen > _NOW)
    .values(locks_at=DEVICES.c.locks_at - DEVICES.c.last_seen + _NOW, last_seen=_NOW)
)
IN_FORCE_HISTORY: Final = select(POLICIES_IN_FORCE).order_by(POLICIES_IN_FORCE.c.id)
IN_FORCE: Final = select(POLICIES_IN_FORCE).order_by(POLICIES_IN_FORCE.c.id.desc()).limit(1)
_NEWEST_PERIODS: Final = select(func.max(CAMPAIGN_PERIODS.c.id)).group_by(CAMPAIGN_PERIODS.c.campaign)
CAMPAIGNS: Final = (
    select(CAMPAIGN_PERIODS)
    .where(CAMPAIGN_PERIODS.c.id.in_(_NEWEST_PERIODS))
    .order_by(CAMPAIGN_PERIODS.c.campaign)
)
_LEFT: Final = FAULTS.c.used < FAULTS.c.count
FAULTS_LEFT: Final = select(FAULTS).where(_LEFT).order_by(FAULTS.c.id)
ADD_FAULT: Final = append(FAULTS).returning(FAULTS.c.id)
USE_FAULT: Final = (
    update(FAULTS).values(used=FAULTS.c.used + 1).where(_LEFT, FAULTS.c.id == bindparam("number"))
)
DELETE_FAULT: Final = delete(FAULTS).where(FAULTS.c.id == bindparam("number"))
DELETE_USED_FAULTS: Final = delete(FAULTS).where(~_LEFT)
DELETE_EXPIRED_ANSWERS: Final = delete(ANSWERS).where(ANSWERS.c.until <= bindparam("now"))


@cache
def shipments_of(count: int) -> Select[Any]:
    """The shipments that `count` devices were in, in the order in which they were added."""
    of_one = (
        and_(
            SHIPMENTS.c.tac == bindparam(f"tac{number}"),
            SHIPMENTS.c.first <= bindparam(f"serial{number}"),
            SHIPMENTS.c.last >= bindparam(f"serial{number}"),
        )
        for number in range(count)
    )
    return select(SHIPMENTS).where(or_(*of_one)).order_by(SHIPMENTS.c.id)


def devices(query: DeviceQuery, after: str | None, limit: int) -> Select[Any]:
    """Rows of `devices` in the order of `sub`, at most `limit`."""
    search = select(DEVICES)
    if query.territory is not None or query.decision is not None:
        newest = and_(VERDICTS.c.sub == DEVICES.c.sub, VERDICTS.c.serial == DEVICES.c.last_serial)
        search = search.join(VERDICTS, newest)
    overridden = DEVICES.c.override_decision.is_not(None)
    conditions = _conditions(
        (query.territory, VERDICTS.c.territory.__eq__),
        (query.decision and query.decision.value, VERDICTS.c.decision.__eq__),
        (query.activation_territory, DEVICES.c.activation_territory.__eq__),
        (query.sale_region, DEVICES.c.sale_region.__eq__),
        (query.model, DEVICES.c.model.__eq__),
        (query.batch, DEVICES.c.batch.__eq__),
        (query.distributor, DEVICES.c.distributor.__eq__),
        (query.locked_at, DEVICES.c.locks_at.__le__),
        (query.overridden, lambda wanted: overridden if wanted else ~overridden),
        (query.activated_from, DEVICES.c.activated_at.__ge__),
        (query.activated_until, DEVICES.c.activated_at.__lt__),
        (after, DEVICES.c.sub.__gt__),
    )
    return search.where(*conditions).order_by(DEVICES.c.sub).limit(limit)


def _conditions(*given: tuple[Any, Callable[[Any], ColumnElement[bool]]]) -> list[ColumnElement[bool]]:
    """The conditions for those values that are not None."""
    return [condition(value) for value, condition in given if value is not None]


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
    conditions = _conditions(
        (query.actor, AUDIT.c.actor.__eq__),
        (query.subject, AUDIT.c.subject.__eq__),
        # LIKE ignores case in SQLite and not in PostgreSQL.
        (query.action, lambda prefix: func.substr(AUDIT.c.action, 1, len(prefix)) == prefix),
        (query.since, AUDIT.c.at.__ge__),
        (query.until, AUDIT.c.at.__lt__),
        (before, AUDIT.c.id.__lt__),
    )
    return select(AUDIT).where(*conditions).order_by(AUDIT.c.id.desc()).limit(limit)


_RESTRICTING: Final = (Decision.NOTICE.value, Decision.DENY.value)
_TABLES: Final[dict[RecordKind, Table]] = {RecordKind.VERDICTS: VERDICTS, RecordKind.AUDIT: AUDIT}
_TIMES: Final[dict[RecordKind, ColumnElement[int]]] = {
    RecordKind.VERDICTS: VERDICTS.c.iat,
    RecordKind.AUDIT: AUDIT.c.at,
}


def old(step: RetentionStep) -> Select[Any]:
    """Time, id, whether an open case keeps it, and whether it is about a known device, of the records of `step`.

    Two servers that prune at the same time take different records.
    """
    table, at = _TABLES[step.kind], _TIMES[step.kind]
    known = exists().where(DEVICES.c.sub == _subject(step.kind))
    return (
        _unpruned(step.kind, at, table.c.id, _open_case(step.kind, step.now), known)
        .where(at < step.before, tuple_(at, table.c.id) > (step.at, step.id))
        .order_by(at, table.c.id)
        .limit(step.limit)
        .with_for_update(of=table, skip_locked=True)
    )


def count(kind: RecordKind, before: int, now: int) -> Select[Any]:
    """How many records are from before a time, and how many of these open cases keep."""
    kept = func.coalesce(func.sum(cast(_open_case(kind, now), Integer)), 0)
    return _unpruned(kind, func.count(), kept).where(_TIMES[kind] < before)


def oldest(kind: RecordKind, now: int) -> Select[Any]:
    """The time of the oldest record that no open case keeps."""
    at = _TIMES[kind]
    return _unpruned(kind, at).where(~_open_case(kind, now)).order_by(at).limit(1)


def open_until(before: int) -> Update:
    """Let records from before this time be pruned. The time never moves back."""
    return update(SERVER_STATE).where(SERVER_STATE.c.kept_from < before).values(kept_from=before)


def prune_inputs(numbers: list[int], now: int) -> Update:
    """Remove the inputs of these verdicts, which is recorded as done at `now`."""
    emptied: dict[str, Any] = {name: literal_column("'{}'") for name in ("inputs", "appraisal", "judgement")}
    changed = update(VERDICTS).where(VERDICTS.c.id.in_(numbers))
    return changed.values(**emptied, claims=null(), inputs_pruned_at=now)


def delete_rows(kind: RecordKind, numbers: list[int]) -> Delete:
    """Delete these records."""
    table = _TABLES[kind]
    return delete(table).where(table.c.id.in_(numbers))


def _unpruned(kind: RecordKind, *columns: Any) -> Select[Any]:
    found = select(*columns).select_from(_TABLES[kind])
    return found.where(VERDICTS.c.inputs_pruned_at.is_(None)) if kind is RecordKind.VERDICTS else found


def _subject(kind: RecordKind) -> ColumnElement[str]:
    return VERDICTS.c.sub if kind is RecordKind.VERDICTS else AUDIT.c.subject


def _open_case(kind: RecordKind, now: int) -> ColumnElement[bool]:
    """Whether the device that the record is about is an open case."""
    newest = VERDICTS.alias("newest")
    deferred = and_(newest.c.decision == Decision.DEFER.value, DEVICES.c.locks_at <= now)
    restricted = exists().where(
        newest.c.sub == DEVICES.c.sub,
        newest.c.serial == DEVICES.c.last_serial,
        or_(newest.c.decision.in_(_RESTRICTING), deferred),
    )
    return exists().where(
        DEVICES.c.sub == _subject(kind), or_(DEVICES.c.override_decision.in_(_RESTRICTING), restricted)
    )
