"""SQL of retention: records by age, those that open cases keep, and how records are pruned."""

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Delete,
    Integer,
    Select,
    Table,
    Update,
    and_,
    cast,
    delete,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    update,
)

from server_stub.store.retention import RecordKind, RetentionStep
from server_stub.store.schema import AUDIT, DEVICES, SERVER_STATE, VERDICTS
from wire.codes import Decision

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
