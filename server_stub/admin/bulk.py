"""Doing the same to many phones: all that a filter finds, or none where it finds more than were expected."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Final

from server_stub.admin.devices import Act, DeviceAdmin
from server_stub.store.records import PAGE_MAX, AuditEntry, DeviceQuery, Store

MAXIMUM: Final = 10_000
"""Most phones that one call can change: the store takes no other write meanwhile."""


class TooManyDevicesError(Exception):
    """The filter finds more phones than the call allows. Nothing was done."""

    def __init__(self, maximum: int) -> None:
        super().__init__(
            f"the filter finds more than {maximum} phones; narrow it, or raise maximum, up to {MAXIMUM}"
        )
        self.maximum = maximum


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """What is to be done to which phones, and why."""

    act: Act
    query: DeviceQuery
    maximum: int
    reason: str
    case: str | None = None


def found(store: Store, errand: BulkRequest) -> tuple[str, ...]:
    """The pseudonyms of the phones that `errand` is about. Raises TooManyDevicesError."""
    subs: list[str] = []
    for sub in _subs(store, errand.query):
        if len(subs) == errand.maximum:
            raise TooManyDevicesError(errand.maximum)
        subs.append(sub)
    return tuple(subs)


def execute(operators: DeviceAdmin, errand: BulkRequest) -> tuple[str, ...]:
    """Do it and return whom it was done to. Raises TooManyDevicesError.

    The store of `operators` must be part of a transaction (`NestedTransactionStore`), so that it happens to all
    or to none. Each phone gets an audit entry of its own, and the errand gets one.
    """
    with operators.store.transaction() as transaction:
        subs = found(operators.store, errand)
        for sub in subs:
            operators.act(sub, errand.act, reason=errand.reason, case=errand.case)
        asked = {name: value for name, value in asdict(errand.query).items() if value is not None}
        details = {"filter": asked, "devices": len(subs)}
        action = f"devices.{errand.act}"
        now = operators.context.clock()
        transaction.append_audit(AuditEntry(now, operators.by, action, "bulk", errand.reason, details))
    return subs


def _subs(store: Store, query: DeviceQuery) -> Iterator[str]:
    after = None
    while True:
        with store.reading() as reading:
            page = reading.devices(query, after=after, limit=PAGE_MAX)
        yield from (device.sub for device in page.items)
        if page.next is None:
            return
        after = page.next
