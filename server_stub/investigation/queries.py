"""The investigation of the devices in a store."""

from collections.abc import Iterator
from dataclasses import dataclass

from server_stub.investigation.analysis import SMALLEST, Investigation, Origin, investigate
from server_stub.policy.document import TerritoryClass
from server_stub.policy.policy import UNKNOWN_REGION, Policy
from server_stub.store.records import Reading, Store, every_device


@dataclass(frozen=True, slots=True)
class InvestigationQueries:
    """Investigates the activated devices in `store`. `policy` says which territories are prohibited."""

    store: Store
    policy: Policy

    def investigate(self, *, smallest: int = SMALLEST) -> Investigation:
        """The statistics of one snapshot. Raises StoreUnavailableError, or ValueError if `smallest` < 1."""
        with self.store.reading() as reading:
            return investigate(self._origins(reading), smallest=smallest)

    def _origins(self, reading: Reading) -> Iterator[Origin]:
        for device in every_device(reading):
            activation = device.activation
            if activation is None:
                continue
            prohibited = self.policy.classify_activation(activation) is TerritoryClass.PROHIBITED
            yield Origin(
                activated_at=activation.at,
                prohibited=activation.territory if prohibited else None,
                sale_region=None if device.sale_region == UNKNOWN_REGION else device.sale_region,
                model=device.model,
                batch=device.batch,
                distributor=device.distributor,
            )
