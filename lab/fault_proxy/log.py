"""The requests that went through the proxy, and the responses that it can replay."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lab.fault_proxy.faults import FaultKind


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """The `number`-th request, and the fault that was injected into it, if any.

    `at` is seconds since the epoch on the world's clock. `device` is empty for a client without its own transport.
    """

    number: int
    device: str
    method: str
    path: str
    at: float
    fault: FaultKind | None


@dataclass(slots=True)
class ProxyLog:
    """One entry for each request, in order."""

    entries: list[LoggedRequest] = field(default_factory=list)

    def add(self, device: str, method: str, path: str, at: float, fault: FaultKind | None) -> LoggedRequest:
        """Number a request and append it."""
        entry = LoggedRequest(len(self.entries) + 1, device, method, path, at, fault)
        self.entries.append(entry)
        return entry

    @property
    def injected(self) -> list[LoggedRequest]:
        """The requests with a fault."""
        return [entry for entry in self.entries if entry.fault]


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
