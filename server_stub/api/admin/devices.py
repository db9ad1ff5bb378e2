"""Devices: found by what is known of them, looked at, decided about, one by one or in bulk."""

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import ConfigDict, Field, StringConstraints, model_validator

from server_stub.admin import bulk
from server_stub.api.admin.models import (
    PAGE,
    Because,
    CaseNumber,
    Cursor,
    Given,
    Limit,
    Missing,
    Moment,
    Name,
    Shown,
)
from server_stub.api.admin.problems import responses
from server_stub.api.admin.route import Parts, resource
from server_stub.api.admin.writing import Errand, Writes, Written, written
from server_stub.operator_desk import Act, OperatorError, OperatorFault
from server_stub.store.records import Device, DeviceQuery, Page, VerdictRecord
from wire.codes import Decision, Reason, TrustTier
from wire.model import Code, Territory, Word

router = resource("/devices")

Sub = Annotated[
    Code, Path(description="The device's pseudonym, `sub` of its verdicts.", examples=["d-1f0c…"])
]


class DeviceFilter(Given):
    """Which devices; what is left out is not asked about. A device has every property that is named.

    `territory` and `decision` are those of the newest verdict; `locked` is by it, now; times are of activation.
    """

    territory: Territory | Missing = None
    activation_territory: Territory | Missing = None
    sale_region: Name | Missing = None
    model: Name | Missing = None
    batch: Name | Missing = None
    distributor: Name | Missing = None
    decision: Word[Decision] | Missing = None
    locked: bool | Missing = None
    overridden: bool | Missing = None
    activated_from: Moment | Missing = None
    activated_until: Moment | Missing = None

    def query(self, now: int) -> DeviceQuery:
        """As the store takes it."""
        asked = self.model_dump(exclude={"locked"})
        return DeviceQuery(**asked, locked_at=now if self.locked else None)

    @model_validator(mode="after")
    def _answerable(self) -> "DeviceFilter":
        if self.locked is False:
            raise ValueError("devices that are not locked cannot be searched for; leave locked out")
        return self


class DeviceSearch(DeviceFilter):
    """The same in a query string, which has no types; and which page."""

    model_config = ConfigDict(strict=False)

    cursor: Cursor = None
    limit: Limit = PAGE

    def query(self, now: int) -> DeviceQuery:
        """As the store takes it."""
        asked = self.model_dump(exclude={"locked", "cursor", "limit"})
        return DeviceQuery(**asked, locked_at=now if self.locked else None)


class ByImei(Given):
    """Which device, by its IMEI. It travels in a body, which no log keeps."""

    imei: Annotated[str, StringConstraints(pattern=r"^[0-9]{14,16}$")] = Field(
        repr=False, examples=["490154203237518"]
    )


class OverrideShown(Shown):
    """What an operator decided about a device; it comes before the policy until it is withdrawn."""

    decision: Decision
    reason: str
    case: str
    at: int


class DeviceShown(Shown):
    """A device. Times are seconds since the epoch; what the server does not know is null."""

    sub: str
    sale_region: str
    model: str | None
    batch: str | None
    distributor: str | None
    activated_at: int | None
    activation_territory: str | None
    first_seen: int | None
    last_seen: int | None
    last_serial: int
    locks_at: int | None
    locked: bool
    override: OverrideShown | None

    @classmethod
    def of(cls, device: Device, now: int) -> "DeviceShown":
        """`device` as it stands now."""
        activation, override = device.activation, device.override
        return cls(
            sub=device.sub,
            sale_region=device.sale_region,
            model=device.model,
            batch=device.batch,
            distributor=device.distributor,
            activated_at=activation.at if activation else None,
            activation_territory=activation.territory if activation else None,
            first_seen=device.first_seen,
            last_seen=device.last_seen,
            last_serial=device.last_serial,
            locks_at=device.locks_at,
            locked=device.locks_at is not None and device.locks_at <= now,
            override=OverrideShown.model_validate(override) if override else None,
        )


class DevicePage(Shown):
    """Devices in the order of their pseudonyms. `next` is the cursor of the next page, null at the end."""

    items: list[DeviceShown]
    next: str | None

    @classmethod
    def of(cls, page: Page[Device], now: int) -> "DevicePage":
        """`page` as it stands now."""
        return cls(items=[DeviceShown.of(device, now) for device in page.items], next=page.next)


class VerdictShown(Shown):
    """A verdict with what led to it. No identifier of the phone or its SIM is in `inputs`."""

    serial: int
    at: int
    decision: Decision
    reason: Reason
    territory: str | None
    policy: str
    policy_version: int
    rule: str
    trust: TrustTier
    identity: str
    case: str | None
    judgement: dict[str, Any]
    appraisal: dict[str, Any]
    inputs: dict[str, Any]

    @classmethod
    def of(cls, record: VerdictRecord) -> "VerdictShown":
        """The record without what only phones need."""
        verdict = record.verdict
        return cls(
            serial=verdict.serial,
            at=verdict.iat,
            decision=verdict.decision,
            reason=verdict.reason,
            territory=verdict.territory,
            policy=verdict.policy.id,
            policy_version=verdict.policy.version,
            rule=verdict.policy.rule,
            trust=verdict.trust,
            identity=record.identity,
            case=verdict.case,
            judgement=record.judgement,
            appraisal=dict(record.appraisal),
            inputs=record.inputs,
        )


class HistoryPage(Shown):
    """Verdicts, newest first."""

    items: list[VerdictShown]
    next: str | None


class Decided(Because):
    """An operator's decision. Without `case` the number that the phone's user already quotes is kept."""

    case: CaseNumber | Missing = None


class InBulk(Decided):
    """The same act for every device that the filter finds; for none of them where it finds more than `maximum`."""

    act: Word[Act]
    filter: DeviceFilter
    maximum: Annotated[int, Field(ge=1, le=bulk.MAXIMUM)] = 100
    dry_run: bool = False


class BulkDone(Shown):
    """The pseudonyms of the devices that were found, and whether anything was done to them."""

    act: Act
    dry_run: bool
    count: int
    devices: list[str]


@router.get("", responses=responses())
def search(parts: Parts, wanted: Annotated[DeviceSearch, Query()]) -> DevicePage:
    """Search devices by what is known of them."""
    with parts.store.reading() as reading:
        page = reading.devices(wanted.query(parts.clock()), after=wanted.cursor, limit=wanted.limit)
    return DevicePage.of(page, parts.clock())


@router.post("/find", responses=responses(400, 404, 413, 415))
def find(parts: Parts, wanted: ByImei) -> DeviceShown:
    """Find the device with an IMEI. Changes nothing."""
    sub = parts.service.operators.desk.pseudonyms.device(wanted.imei)
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
def lock(task: Writes, sub: Sub, wish: Decided) -> Any:
    """Deny this device at its next check-in, whatever the policy says."""
    return task.done(lambda errand: _act(errand, sub, Act.LOCK, wish))


@router.post("/{sub}/unlock", response_model=DeviceShown, responses=_CHANGED)
def unlock(task: Writes, sub: Sub, wish: Decided) -> Any:
    """Allow this device at its next check-in, whatever the policy says."""
    return task.done(lambda errand: _act(errand, sub, Act.UNLOCK, wish))


@router.post("/{sub}/release", response_model=DeviceShown, responses=_CHANGED)
def release(task: Writes, sub: Sub, wish: Decided) -> Any:
    """Give this device up at its next check-in: it never asks again."""
    return task.done(lambda errand: _act(errand, sub, Act.RELEASE, wish))


@router.post("/{sub}/withdraw", response_model=DeviceShown, responses=_CHANGED)
def withdraw(task: Writes, sub: Sub, wish: Because) -> Any:
    """Let the policy decide about this device again."""
    return task.done(lambda errand: _act(errand, sub, Act.WITHDRAW, wish))


def _act(errand: Errand, sub: str, act: Act, wish: Because) -> Written:
    case = wish.case if isinstance(wish, Decided) else None
    device = errand.operators.act(sub, act, reason=wish.reason, case=case)
    return Written(DeviceShown.of(device, errand.parts.clock()))


@router.post(
    "/bulk",
    response_model=BulkDone,
    responses={**written(BulkDone, "What was done, or would be."), **responses(400, 409, 413, 415)},
)
def in_bulk(task: Writes, wish: InBulk) -> Any:
    """Do the same to every device that a filter finds, or with `dry_run` only say to which."""
    return task.done(lambda errand: _bulk(errand, wish))


def _bulk(errand: Errand, wish: InBulk) -> Written:
    asked = bulk.Errand(
        act=wish.act,
        query=wish.filter.query(errand.parts.clock()),
        maximum=wish.maximum,
        reason=wish.reason,
        case=wish.case,
    )
    do = bulk.found(errand.store, asked) if wish.dry_run else bulk.carry_out(errand.operators, asked)
    return Written(BulkDone(act=wish.act, dry_run=wish.dry_run, count=len(do), devices=list(do)))
