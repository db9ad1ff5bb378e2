"""The entities, queries, errors and protocols of the store, without SQL."""

from server_stub.store.entities import (
    AuditEntry,
    CampaignPeriod,
    Device,
    IdempotentAnswer,
    InForce,
    InjectedFault,
    PolicyVersion,
    Shipment,
    VerdictRecord,
)
from server_stub.store.protocol import (
    NonceSpentError,
    PolicyFixedError,
    Reading,
    SchemaError,
    Store,
    StoreUnavailableError,
    Transaction,
    every_device,
)
from server_stub.store.queries import PAGE_MAX, AuditQuery, CursorError, DeviceQuery, Page
from server_stub.store.retention import (
    KEEP_DAYS,
    KEEP_DAYS_MAX,
    STEP_MAX,
    PruneResult,
    RecordKind,
    RetentionStep,
)

__all__ = [
    "KEEP_DAYS",
    "KEEP_DAYS_MAX",
    "PAGE_MAX",
    "STEP_MAX",
    "AuditEntry",
    "AuditQuery",
    "CampaignPeriod",
    "CursorError",
    "Device",
    "DeviceQuery",
    "IdempotentAnswer",
    "InForce",
    "InjectedFault",
    "NonceSpentError",
    "Page",
    "PolicyFixedError",
    "PolicyVersion",
    "PruneResult",
    "Reading",
    "RecordKind",
    "RetentionStep",
    "SchemaError",
    "Shipment",
    "Store",
    "StoreUnavailableError",
    "Transaction",
    "VerdictRecord",
    "every_device",
]
