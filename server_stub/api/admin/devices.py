"""Devices: found by what is known of them, looked at, decided about, one by one or in bulk."""

from typing import Annotated, Any

from fastapi import Path, Query

from server_stub.admin import bulk
from server_stub.admin.context import device_admin
from server_stub.admin.devices import Act, OperatorError, OperatorFault
from server_stub.api.admin.base_models import PAGE, Cursor, Limit, WithReason
from server_stub.api.admin.device_models import (
    BulkDone,
    ByImei,
    Decided,
    DevicePage,
    DeviceSearch,
    DeviceShown,
    HistoryPage,
    InBulk,
    VerdictShown,
)
from server_stub.api.admin.problems import responses
from server_stub.api.admin.route import Parts, resource
from server_stub.api.admin.writes import WriteDependency, WriteRequest, WriteResponse, written
from wire.model import Code

router = resource("/devices")

Sub = Annotated[
    Code, Path(description="The device's pseudonym, `sub` of its verdicts.", examples=["d-1f0c…"])
]


@router.get("", responses=responses())
def search(parts: Parts, wanted: Annotated[DeviceSearch, Query()]) -> DevicePage:
    """Search devices by what is known of them."""
    with parts.store.reading() as reading:
        page = reading.devices(wanted.query(parts.clock()), after=wanted.cursor, limit=wanted.limit)
    return DevicePage.of(page, parts.clock())


@router.post("/find", responses=responses(400, 404, 413, 415))
def find(parts: Parts, wanted: ByImei) -> DeviceShown:
    """Find the device with an IMEI. Changes nothing."""
    sub = device_admin(parts.service).context.pseudonyms.device(wanted.imei)
    return _shown(parts, sub)


@router.get("/{sub}", responses=responses(404))
def get(parts: Parts, sub: Sub) -> DeviceShown:
    """One device."""
    return _shown(parts, sub)


@router.get("/{sub}/history", responses=responses(404))
def history(parts: Parts, sub: Sub, cursor: Cursor = None, limit: Limit = PAGE) -> HistoryPage:
    """All verdicts about one device, newest first, each with its inputs, appraisal and judgement."""
    with parts.store.reading() as reading:
        page = reading.history(sub, after=cursor, limit=limit)
        if not page.items and cursor is None and reading.device(sub) is None:
            raise OperatorError(OperatorFault.DEVICE_UNKNOWN)
    return HistoryPage(items=[VerdictShown.of(record) for record in page.items], next=page.next)


def _shown(parts: Parts, sub: str) -> DeviceShown:
    with parts.store.reading() as reading:
        device = reading.device(sub)
    if device is None:
        raise OperatorError(OperatorFault.DEVICE_UNKNOWN)
    return DeviceShown.of(device, parts.clock())


_CHANGED = {**written(DeviceShown, "The device with the decision."), **responses(400, 404, 413, 415)}


@router.post("/{sub}/lock", response_model=DeviceShown, responses=_CHANGED)
def lock(task: WriteDependency, sub: Sub, wish: Decided) -> Any:
    """Deny this device at its next check-in, whatever the policy says."""
    return task.execute(lambda errand: _act(errand, sub, Act.LOCK, wish))


@router.post("/{sub}/unlock", response_model=DeviceShown, responses=_CHANGED)
def unlock(task: WriteDependency, sub: Sub, wish: Decided) -> Any:
    """Allow this device at its next check-in, whatever the policy says."""
    return task.execute(lambda errand: _act(errand, sub, Act.UNLOCK, wish))


@router.post("/{sub}/release", response_model=DeviceShown, responses=_CHANGED)
def release(task: WriteDependency, sub: Sub, wish: Decided) -> Any:
    """Give this device up at its next check-in: it never asks again."""
    return task.execute(lambda errand: _act(errand, sub, Act.RELEASE, wish))


@router.post("/{sub}/withdraw", response_model=DeviceShown, responses=_CHANGED)
def withdraw(task: WriteDependency, sub: Sub, wish: WithReason) -> Any:
    """Let the policy decide about this device again."""
    return task.execute(lambda errand: _act(errand, sub, Act.WITHDRAW, wish))


def _act(errand: WriteRequest, sub: str, act: Act, wish: WithReason) -> WriteResponse:
    case = wish.case if isinstance(wish, Decided) else None
    device = errand.operators.act(sub, act, reason=wish.reason, case=case)
    return WriteResponse(DeviceShown.of(device, errand.parts.clock()))


@router.post(
    "/bulk",
    response_model=BulkDone,
    responses={**written(BulkDone, "What was done, or would be."), **responses(400, 409, 413, 415)},
)
def in_bulk(task: WriteDependency, wish: InBulk) -> Any:
    """Do the same to every device that a filter finds, or with `dry_run` only say to which."""
    return task.execute(lambda errand: _bulk(errand, wish))


def _bulk(errand: WriteRequest, wish: InBulk) -> WriteResponse:
    asked = bulk.BulkRequest(
        act=wish.act,
        query=wish.filter.query(errand.parts.clock()),
        maximum=wish.maximum,
        reason=wish.reason,
        case=wish.case,
    )
    do = bulk.found(errand.store, asked) if wish.dry_run else bulk.execute(errand.operators, asked)
    return WriteResponse(BulkDone(act=wish.act, dry_run=wish.dry_run, count=len(do), devices=list(do)))
