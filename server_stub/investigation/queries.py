"""The investigation over what a server remembers; devices are read page by page, so memory does not grow with them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from server_stub.investigation.analysis import SMALLEST, Investigation, Origin, investigate
from server_stub.policy.document import TerritoryClass
from server_stub.policy.policy import Policy
from server_stub.store.records import Device, DeviceQuery, Reading, Store

_PAGE: Final = 1000
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class InvestigationQueries:
    """Investigates the activated phones in `store`. Which territories are prohibited is what `policy` says."""

    store: Store
    policy: Policy

    def investigate(self, *, smallest: int = SMALLEST) -> Investigation:
        """Count them, as one state of the store. Raises StoreUnavailableError, and ValueError as the domain does."""
        with self.store.reading() as reading:
            return investigate(self._origins(reading), smallest=smallest)

    def _origins(self, reading: Reading) -> Iterator[Origin]:
        after: str | None = None
        while True:
            page = reading.devices(DeviceQuery(), after=after, limit=_PAGE)
            for device in page.items:
                if device.activation is not None:
                    yield self._origin(device, device.activation.at)
            if page.next is None:
                return
            after = page.next

    def _origin(self, device: Device, activated_at: int) -> Origin:
        prohibited = self.policy.classify_activation(device.activation) is TerritoryClass.PROHIBITED
        return Origin(
            activated_at=activated_at,
            prohibited=device.activation.territory if prohibited and device.activation else None,
            sale_region=None if device.sale_region == _UNKNOWN else device.sale_region,
            model=device.model,
            batch=device.batch,
            distributor=device.distributor,
        )
