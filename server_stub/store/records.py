"""What the server remembers, how it is asked for, and the protocol of its memory."""

from server_stub.store.entities import (
    AuditEntry,
    CampaignPeriod,
    Device,
    IdempotentAnswer,
    InForce,
    PolicyVersion,
    Shipment,
    VerdictRecord,
)
from server_stub.store.errors import (
    CursorError,
    NonceSpentError,
    PolicyFixedError,
    SchemaError,
    StoreUnavailableError,
)
from server_stub.store.protocol import Reading, Store, Transaction
from server_stub.store.queries import PAGE_MAX, AuditQuery, DeviceQuery, Page

__all__ = [
    "PAGE_MAX",
    "AuditEntry",
    "AuditQuery",
    "CampaignPeriod",
    "CursorError",
    "Device",
    "DeviceQuery",
    "IdempotentAnswer",
    "InForce",
    "NonceSpentError",
    "Page",
    "PolicyFixedError",
    "PolicyVersion",
    "Reading",
    "SchemaError",
    "Shipment",
    "Store",
    "StoreUnavailableError",
    "Transaction",
    "VerdictRecord",
]
