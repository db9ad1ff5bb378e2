"""What a hostile network did, in order, for timelines and reports."""

import threading
from dataclasses import dataclass
from typing import Any

from lab.fault_proxy.faults import FaultKind


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request on its way, the `number`-th of all, and the fault that befell it, if any.

    `at` is seconds since the epoch on the world's clock. `phone` is empty for a client that came by itself.
    """

    number: int
    phone: str
    method: str
    path: str
    at: float
    fault: FaultKind | None

    def as_json(self) -> dict[str, Any]:
        """The entry for machines."""
        entry = {
            "number": self.number,
            "phone": self.phone,
            "method": self.method,
            "path": self.path,
            "at": self.at,
        }
        return entry | ({"fault": self.fault.value} if self.fault else {})


class ProxyLog:
    """Grows by one entry for each request. Safe to read while the network runs."""

    def __init__(self) -> None:
        self._entries: list[LoggedRequest] = []
        self._lock = threading.Lock()

    def note(self, phone: str, method: str, path: str, at: float, fault: FaultKind | None) -> LoggedRequest:
        """Enter a request, and number it."""
        with self._lock:
            crossing = LoggedRequest(len(self._entries) + 1, phone, method, path, at, fault)
            self._entries.append(crossing)
        return crossing

    @property
    def entries(self) -> tuple[LoggedRequest, ...]:
        """All requests so far."""
        with self._lock:
            return tuple(self._entries)

    @property
    def injected(self) -> tuple[LoggedRequest, ...]:
        """Those that a fault befell."""
        return tuple(crossing for crossing in self.entries if crossing.fault)
