"""The requests that went through the proxy, and the responses that it can replay."""

import threading
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from lab.fault_proxy.faults import FaultKind


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """The `number`-th request, and the fault that was injected into it, if any.

    `at` is seconds since the epoch on the world's clock. `device` is empty for a client without a transport of its own.
    """

    number: int
    device: str
    method: str
    path: str
    at: float
    fault: FaultKind | None

    def as_json(self) -> dict[str, Any]:
        """The entry as JSON, without `fault` if there was none."""
        entry = asdict(self)
        return entry if self.fault else {name: value for name, value in entry.items() if name != "fault"}


class ProxyLog:
    """One entry for each request. Safe to read while the proxy runs."""

    def __init__(self) -> None:
        self._entries: list[LoggedRequest] = []
        self._lock = threading.Lock()

    def add(self, device: str, method: str, path: str, at: float, fault: FaultKind | None) -> LoggedRequest:
        """Number a request and append it."""
        with self._lock:
            entry = LoggedRequest(len(self._entries) + 1, device, method, path, at, fault)
            self._entries.append(entry)
        return entry

    @property
    def entries(self) -> tuple[LoggedRequest, ...]:
        """All requests so far."""
        with self._lock:
            return tuple(self._entries)

    @property
    def injected(self) -> tuple[LoggedRequest, ...]:
        """The requests with a fault."""
        return tuple(entry for entry in self.entries if entry.fault)


R = TypeVar("R")


@dataclass(slots=True)
class ReplayCache(Generic[R]):
    """The first and the newest response for each device and path."""

    _first: dict[tuple[str, str], R] = field(default_factory=dict)
    _newest: dict[tuple[str, str], R] = field(default_factory=dict)

    def keep(self, device: str, path: str, response: R) -> None:
        """Store a response of the server."""
        self._first.setdefault((device, path), response)
        self._newest[device, path] = response

    def first(self, device: str, path: str) -> R | None:
        """The first response."""
        return self._first.get((device, path))

    def newest(self, device: str, path: str) -> R | None:
        """The latest response."""
        return self._newest.get((device, path))
