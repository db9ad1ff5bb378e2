"""The catalogue of faults, by the name under which the lab uses it."""

from server_stub.faults.catalogue import (
    BUSY,
    CAUSES_TIMEOUT,
    IN_HANDSHAKE,
    NEEDS_EARLIER,
    NO_CONNECTION,
    PROCESSED,
    PROXY_KINDS,
    FaultKind,
    Route,
)

__all__ = [
    "BUSY",
    "CAUSES_TIMEOUT",
    "IN_HANDSHAKE",
    "NEEDS_EARLIER",
    "NO_CONNECTION",
    "PROCESSED",
    "PROXY_KINDS",
    "FaultKind",
    "Route",
]
