"""One operator action on many devices: on all that a query finds, or on none if it finds more than expected."""

from dataclasses import asdict, dataclass
from typing import Final

from server_stub.admin.devices import Act, DeviceAdmin
from server_stub.store.records import AuditEntry, DeviceQuery, Store, every_device

MAXIMUM: Final = 10_000
"""The most devices that one call can change: other writes to the store wait meanwhile."""


class TooManyDevicesError(Exception):
    """The filter finds more devices than the call allows. Nothing was changed."""

    def __init__(self, maximum: int) -> None:
        super().__init__(
            f"the filter finds more than {maximum} devices; narrow it, or raise maximum, up to {MAXIMUM}"
        )
        self.maximum = maximum


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """What to do to which devices, and why."""

    act: Act
    query: DeviceQuery
    maximum: int
    reason: str
    case: str | None = None


def found(store: Store, request: BulkRequest) -> tuple[str, ...]:
    """The pseudonyms of the devices that `request` finds. Raises TooManyDevicesError."""
    subs: list[str] = []
    with store.reading() as reading:
        for device in every_device(reading, request.query):
            if len(subs) == request.maximum:
                raise TooManyDevicesError(request.maximum)
            subs.append(device.sub)
    return tuple(subs)


def execute(devices: DeviceAdmin, request: BulkRequest) -> tuple[str, ...]:
    """Do it and return the pseudonyms of the changed devices. Raises TooManyDevicesError.

    The store of `devices` must be a `NestedTransactionStore`, so that all devices are changed or none. Each device gets
    an audit entry, and the request gets one.
    """
    with devices.store.transaction() as transaction:
        subs = found(devices.store, request)
        for sub in subs:
            devices.act(sub, request.act, reason=request.reason, case=request.case)
        query = {name: value for name, value in asdict(request.query).items() if value is not None}
        details = {"filter": query, "devices": len(subs)}
        now, action = devices.context.clock(), f"devices.{request.act}"
        transaction.append_audit(AuditEntry(now, devices.by, action, "bulk", request.reason, details))
    return subs
