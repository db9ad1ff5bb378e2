"""The investigation of the devices in a store."""

from collections.abc import Iterator

from server_stub.investigation.analysis import SMALLEST, Investigation, Origin, investigate
from server_stub.policy.document import TerritoryClass
from server_stub.policy.policy import UNKNOWN_REGION, Policy
from server_stub.store.reading import Reading, every_device
from server_stub.store.transaction import Store


def investigate_store(store: Store, policy: Policy, *, smallest: int = SMALLEST) -> Investigation:
    """The statistics of the activated devices in `store`, of one snapshot; `policy` says what is prohibited.

    Raises StoreUnavailableError, or ValueError if `smallest` < 1.
    """
    with store.reading() as reading:
        return investigate(_origins(reading, policy), smallest=smallest)


def _origins(reading: Reading, policy: Policy) -> Iterator[Origin]:
    for device in every_device(reading):
        activation = device.activation
        if activation is None:
            continue
        prohibited = policy.classify_activation(activation) is TerritoryClass.PROHIBITED
        yield Origin(
            activated_at=activation.at,
            prohibited=activation.territory if prohibited else None,
            sale_region=None if device.sale_region == UNKNOWN_REGION else device.sale_region,
            model=device.model,
            batch=device.batch,
            distributor=device.distributor,
        )
