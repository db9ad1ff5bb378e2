"""What is said about devices: which ones, what they are, what was decided."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from server_stub.admin import bulk
from server_stub.admin.devices import Act
from server_stub.api.admin.base_models import (
    PAGE,
    CaseNumber,
    Cursor,
    Limit,
    Missing,
    Moment,
    Name,
    RequestModel,
    ResponseModel,
    WithReason,
)
from server_stub.store.records import Device, DeviceQuery, Page, VerdictRecord
from wire.codes import Decision, Reason, TrustTier
from wire.model import Territory, Word


class DeviceFilter(RequestModel):
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


class ByImei(RequestModel):
    """Which device, by its IMEI. It travels in a body, which no log keeps."""

    imei: Annotated[str, StringConstraints(pattern=r"^[0-9]{14,16}$")] = Field(
        repr=False, examples=["490154203237518"]
    )


class OverrideShown(ResponseModel):
    """What an operator decided about a device; it comes before the policy until it is withdrawn."""

    decision: Decision
    reason: str
    case: str
    at: int


class DeviceShown(ResponseModel):
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


class DevicePage(ResponseModel):
    """Devices in the order of their pseudonyms. `next` is the cursor of the next page, null at the end."""

    items: list[DeviceShown]
    next: str | None

    @classmethod
    def of(cls, page: Page[Device], now: int) -> "DevicePage":
        """`page` as it stands now."""
        return cls(items=[DeviceShown.of(device, now) for device in page.items], next=page.next)


class VerdictShown(ResponseModel):
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


class HistoryPage(ResponseModel):
    """Verdicts, newest first."""

    items: list[VerdictShown]
    next: str | None


class Decided(WithReason):
    """An operator's decision. Without `case` the number that the phone's user already quotes is kept."""

    case: CaseNumber | Missing = None


class InBulk(Decided):
    """The same act for every device that the filter finds; for none of them where it finds more than `maximum`.

    A filter that asks nothing finds every device. It is refused unless `everybody` says that this is meant.
    """

    act: Word[Act]
    filter: DeviceFilter
    everybody: bool = False
    maximum: Annotated[int, Field(ge=1, le=bulk.MAXIMUM)] = 100
    dry_run: bool = False

    @model_validator(mode="after")
    def _meant(self) -> Self:
        asks = any(value is not None for value in self.filter.model_dump().values())
        if asks is self.everybody:
            raise ValueError("give a filter, or everybody: true where every device is meant")
        return self


class BulkDone(ResponseModel):
    """The pseudonyms of the devices that were found, and whether anything was done to them."""

    act: Act
    dry_run: bool
    count: int
    devices: list[str]
