"""Searches: statements that depend on what is asked for."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select

from server_stub.store.queries import AuditQuery, DeviceQuery
from server_stub.store.schema import AUDIT, DEVICES, VERDICTS


def devices(query: DeviceQuery, after: str | None, limit: int) -> Select[Any]:
    """Rows of `devices` in the order of `sub`, at most `limit`."""
    wanted = select(DEVICES)
    if query.territory is not None or query.decision is not None:
        newest = and_(VERDICTS.c.sub == DEVICES.c.sub, VERDICTS.c.serial == DEVICES.c.last_serial)
        wanted = wanted.join(VERDICTS, newest)
    for condition in _device_conditions(query):
        wanted = wanted.where(condition)
    if after is not None:
        wanted = wanted.where(DEVICES.c.sub > after)
    return wanted.order_by(DEVICES.c.sub).limit(limit)


def locked(subs: list[str]) -> Select[Any]:
    """These devices as they are now, for a transaction that may change them."""
    return select(DEVICES).where(DEVICES.c.sub.in_(subs)).order_by(DEVICES.c.sub).with_for_update()


def history(sub: str, before: int | None, limit: int) -> Select[Any]:
    """Rows of `verdicts` about one device, newest first, at most `limit`."""
    wanted = select(VERDICTS).where(VERDICTS.c.sub == sub)
    if before is not None:
        wanted = wanted.where(VERDICTS.c.serial < before)
    return wanted.order_by(VERDICTS.c.serial.desc()).limit(limit)


def audit(query: AuditQuery, before: int | None, limit: int) -> Select[Any]:
    """Rows of `audit`, newest first, at most `limit`."""
    wanted = select(AUDIT)
    for condition in _audit_conditions(query):
        wanted = wanted.where(condition)
    if before is not None:
        wanted = wanted.where(AUDIT.c.id < before)
    return wanted.order_by(AUDIT.c.id.desc()).limit(limit)


def _device_conditions(query: DeviceQuery) -> list[ColumnElement[bool]]:
    equal = (
        (VERDICTS.c.territory, query.territory),
        (VERDICTS.c.decision, None if query.decision is None else query.decision.value),
        (DEVICES.c.activation_territory, query.activation_territory),
        (DEVICES.c.sale_region, query.sale_region),
        (DEVICES.c.model, query.model),
        (DEVICES.c.batch, query.batch),
        (DEVICES.c.distributor, query.distributor),
    )
    conditions: list[ColumnElement[bool]] = [column == value for column, value in equal if value is not None]
    if query.locked_at is not None:
        conditions.append(DEVICES.c.locks_at <= query.locked_at)
    if query.overridden is not None:
        decided = DEVICES.c.override_decision.is_not(None)
        conditions.append(decided if query.overridden else ~decided)
    if query.activated_from is not None:
        conditions.append(DEVICES.c.activated_at >= query.activated_from)
    if query.activated_until is not None:
        conditions.append(DEVICES.c.activated_at < query.activated_until)
    return conditions


def _audit_conditions(query: AuditQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.actor is not None:
        conditions.append(AUDIT.c.actor == query.actor)
    if query.subject is not None:
        conditions.append(AUDIT.c.subject == query.subject)
    if query.action is not None:
        # LIKE would ignore case in one database and not in the other.
        conditions.append(func.substr(AUDIT.c.action, 1, len(query.action)) == query.action)
    if query.since is not None:
        conditions.append(AUDIT.c.at >= query.since)
    if query.until is not None:
        conditions.append(AUDIT.c.at < query.until)
    return conditions
