"""Devices: search, state, history, and decisions about one or many of them."""

from typing import Annotated, Any, Self

from fastapi import Path, Query
from pydantic import AliasPath, ConfigDict, Field, StringConstraints, model_validator

from server_stub.admin.context import AdminContext, device_admin
from server_stub.admin.devices import MAXIMUM, Act, OperatorError, OperatorFault
from server_stub.api.admin.base_models import (
    PAGE,
    CaseNumber,
    Cursor,
    Limit,
    Line,
    Missing,
    Moment,
    RequestModel,
    ResponseModel,
    WithReason,
)
from server_stub.api.admin.problems import responses
from server_stub.api.admin.route import Context, resource
from server_stub.api.admin.writes import WriteRequest, write_route
from server_stub.policy.overrides import Override
from server_stub.store.records import Device, DeviceQuery
from wire.codes import Decision, Reason, TrustTier
from wire.model import Code, Territory, Word

router = resource("/devices")

Sub = Annotated[
    Code, Path(description="The device's pseudonym, `sub` of its verdicts.", examples=["d-1f0c…"])
]


class DeviceFilter(RequestModel):
    """The devices that have all given properties.

    `territory` and `decision` are those of the newest verdict; `locked` is its effect now; times are of activation.
    """

    territory: Territory | Missing = None
    activation_territory: Territory | Missing = None
    sale_region: Line | Missing = None
    model: Line | Missing = None
    batch: Line | Missing = None
    distributor: Line | Missing = None
    decision: Word[Decision] | Missing = None
    locked: bool | Missing = None
    overridden: bool | Missing = None
    activated_from: Moment | Missing = None
    activated_until: Moment | Missing = None

    def query(self, now: int) -> DeviceQuery:
        """The query of the store. `now` is in seconds since the epoch."""
        properties = self.model_dump(include=DeviceFilter.model_fields.keys() - {"locked"})
        return DeviceQuery(**properties, locked_at=now if self.locked else None)

    @model_validator(mode="after")
    def _is_supported(self) -> "DeviceFilter":
        if self.locked is False:
            raise ValueError("a search for devices that are not locked is not supported; leave locked out")
        return self


class DeviceSearch(DeviceFilter):
    """The same in a query string, which has no types, and the page."""

    model_config = ConfigDict(strict=False)

    cursor: Cursor = None
    limit: Limit = PAGE


class ByImei(RequestModel):
    """The IMEI of a device. It is in a body because bodies are not logged."""

    imei: Annotated[str, StringConstraints(pattern=r"^[0-9]{14,16}$")] = Field(
        repr=False, examples=["490154203237518"]
    )


class DeviceShown(ResponseModel):
    """A device. Times are seconds since the epoch; unknown values are null."""

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
    override: Override | None
    next_answer: Override | None

    @classmethod
    def of(cls, device: Device, now: int) -> "DeviceShown":
        """The state of `device` at `now`."""
        activation = device.activation
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
            override=device.override,
            next_answer=device.next_answer,
        )


class DevicePage(ResponseModel):
    """Devices in the order of their pseudonyms. `next` is the cursor of the next page, null at the end."""

    items: list[DeviceShown]
    next: str | None


def _claim(*path: str) -> Any:
    """A field with a claim of a `VerdictRecord`."""
    return Field(validation_alias=AliasPath("verdict", *path))


class VerdictShown(ResponseModel):
    """A verdict with its inputs, which contain no identifier of the device or its SIM.

    `inputs_pruned_at` is when inputs, appraisal and judgement were removed because of their age, null if they are kept.
    """

    serial: int = _claim("serial")
    at: int = _claim("iat")
    decision: Decision = _claim("decision")
    reason: Reason = _claim("reason")
    territory: str | None = _claim("territory")
    policy: str = _claim("policy", "id")
    policy_version: int = _claim("policy", "version")
    rule: str = _claim("policy", "rule")
    trust: TrustTier = _claim("trust")
    identity: str
    case: str | None = _claim("case")
    judgement: dict[str, Any]
    appraisal: dict[str, Any]
    inputs: dict[str, Any]
    inputs_pruned_at: int | None


class HistoryPage(ResponseModel):
    """Verdicts, newest first."""

    items: list[VerdictShown]
    next: str | None


class Decided(WithReason):
    """An operator's decision. Without `case` the existing case number of the device is used."""

    case: CaseNumber | Missing = None


class DecidedOnce(Decided):
    """The decision about the device's next request, and why."""

    decision: Word[Decision]


class InBulk(Decided):
    """The same act for every device that the filter finds; for none of them if it finds more than `maximum`.

    An empty filter finds every device. It is rejected unless `everybody` is true.
    """

    act: Word[Act]
    filter: DeviceFilter
    everybody: bool = False
    maximum: Annotated[int, Field(ge=1, le=MAXIMUM)] = 100
    dry_run: bool = False

    @model_validator(mode="after")
    def _is_filter_explicit(self) -> Self:
        has_filter = any(value is not None for value in self.filter.model_dump().values())
        if has_filter is self.everybody:
            raise ValueError("give either a filter, or `everybody`: true for all devices")
        return self


class BulkDone(ResponseModel):
    """The pseudonyms of the devices that were found. `dry_run` means that they were not changed."""

    act: Act
    dry_run: bool
    count: int
    devices: list[str]


@router.get("", responses=responses())
def search_devices(context: Context, filters: Annotated[DeviceSearch, Query()]) -> DevicePage:
    """Search devices by their properties."""
    now = context.clock()
    with context.store.reading() as reading:
        page = reading.devices(filters.query(now), after=filters.cursor, limit=filters.limit)
    return DevicePage(items=[DeviceShown.of(device, now) for device in page.items], next=page.next)


@router.post("/find", responses=responses(400, 404, 413, 415))
def find_device(context: Context, body: ByImei) -> DeviceShown:
    """Find the device with an IMEI. Changes nothing."""
    return _device(context, device_admin(context.service).context.pseudonyms.device(body.imei))


@router.get("/{sub}", responses=responses(404))
def get_device(context: Context, sub: Sub) -> DeviceShown:
    """One device."""
    return _device(context, sub)


@router.get("/{sub}/history", responses=responses(404))
def get_device_history(context: Context, sub: Sub, cursor: Cursor = None, limit: Limit = PAGE) -> HistoryPage:
    """All verdicts about one device, newest first, each with its inputs, appraisal and judgement."""
    with context.store.reading() as reading:
        page = reading.history(sub, after=cursor, limit=limit)
        if not page.items and cursor is None and reading.device(sub) is None:
            raise OperatorError(OperatorFault.DEVICE_UNKNOWN)
    return HistoryPage.model_validate(page)


def _device(context: AdminContext, sub: str) -> DeviceShown:
    with context.store.reading() as reading:
        device = reading.device(sub)
    if device is None:
        raise OperatorError(OperatorFault.DEVICE_UNKNOWN)
    return DeviceShown.of(device, context.clock())


_CHANGED = {200: "The device with the decision."}


@write_route(router, "/{sub}/lock", DeviceShown, _CHANGED, 404)
def lock_device(request: WriteRequest, sub: Sub, body: Decided) -> DeviceShown:
    """Lock the device: its next check-in gets a `deny` verdict, whatever the policy says."""
    return _act(request, sub, Act.LOCK, body)


@write_route(router, "/{sub}/unlock", DeviceShown, _CHANGED, 404)
def unlock_device(request: WriteRequest, sub: Sub, body: Decided) -> DeviceShown:
    """Unlock the device: its next check-in gets an `allow` verdict, whatever the policy says."""
    return _act(request, sub, Act.UNLOCK, body)


@write_route(router, "/{sub}/release", DeviceShown, _CHANGED, 404)
def release_device(request: WriteRequest, sub: Sub, body: Decided) -> DeviceShown:
    """Release the device: its next check-in gets a `release` verdict, after which it stops contacting the server."""
    return _act(request, sub, Act.RELEASE, body)


@write_route(router, "/{sub}/withdraw", DeviceShown, _CHANGED, 404)
def withdraw_decision(request: WriteRequest, sub: Sub, body: WithReason) -> DeviceShown:
    """Withdraw the operator's decision: the policy decides about the device again."""
    return _act(request, sub, Act.WITHDRAW, body)


def _act(request: WriteRequest, sub: str, act: Act, body: Decided | WithReason) -> DeviceShown:
    case = body.case if isinstance(body, Decided) else None
    device = request.devices.act(sub, act, reason=body.reason, case=case)
    return DeviceShown.of(device, request.context.clock())


@write_route(router, "/{sub}/decide-once", DeviceShown, _CHANGED, 404)
def decide_once(request: WriteRequest, sub: Sub, body: DecidedOnce) -> DeviceShown:
    """Decide about the device's next request only; afterwards the operator's decision or the policy holds again.

    `notice` announces a lock in seven days, `defer` asks to retry in a minute. A later call replaces it.
    """
    device = request.devices.decide_once(sub, body.decision, reason=body.reason, case=body.case)
    return DeviceShown.of(device, request.context.clock())


@write_route(router, "/bulk", BulkDone, {200: "The devices that were, or would be, changed."}, 409)
def decide_in_bulk(request: WriteRequest, body: InBulk) -> BulkDone:
    """Do the same to every device that a filter finds; with `dry_run` only list them."""
    query = body.filter.query(request.context.clock())
    subs = request.devices.act_on_all(
        query, body.act, body.maximum, reason=body.reason, case=body.case, dry_run=body.dry_run
    )
    return BulkDone(act=body.act, dry_run=body.dry_run, count=len(subs), devices=list(subs))
