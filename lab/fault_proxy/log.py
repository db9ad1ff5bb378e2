"""The requests that went through the proxy, and the responses that it can replay."""

from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from server_stub.faults.catalogue import FaultKind


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
    """One entry for each request, in order; the newest `most` if that is given."""

    entries: list[LoggedRequest] = field(default_factory=list)
    most: int | None = None
    _count: int = 0

    def add(self, device: str, method: str, path: str, at: float, fault: FaultKind | None) -> LoggedRequest:
        """Number a request and append it."""
        self._count += 1
        entry = LoggedRequest(self._count, device, method, path, at, fault)
        self.entries.append(entry)
        if self.most is not None and len(self.entries) > self.most:
            del self.entries[0]
        return entry

    @property
    def injected(self) -> list[LoggedRequest]:
        """The requests with a fault."""
        return [entry for entry in self.entries if entry.fault]


R = TypeVar("R")

_PATHS_MAX: Final = 4096
"""A client chooses its paths."""


@dataclass(slots=True)
class ServedConnection:
    """A connection of `client`: each of its requests, and what the proxy did with it."""

    client: str
    events: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ReplayCache(Generic[R]):
    """The first and the newest response for each device and path, up to `_PATHS_MAX` of them."""

    _first: dict[tuple[str, str], R] = field(default_factory=dict)
    _newest: dict[tuple[str, str], R] = field(default_factory=dict)

    def keep(self, device: str, path: str, response: R) -> None:
        """Store a response of the server."""
        if len(self._first) < _PATHS_MAX or (device, path) in self._first:
            self._first.setdefault((device, path), response)
            self._newest[device, path] = response

    def first(self, device: str, path: str) -> R | None:
        """The first response."""
        return self._first.get((device, path))

    def newest(self, device: str, path: str) -> R | None:
        """The latest response."""
        return self._newest.get((device, path))
