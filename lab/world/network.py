"""The network between a device and the server: whether it has a data connection, and a record of the requests."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from agent.ports import Answer, Downloads, Transport, TransportError, TransportFault
from lab.world.addresses import LOOPBACK, source_address


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a device, and its response or fault. A `GET` has no body and no content type."""

    path: str
    content_type: str
    body: bytes
    answer: Answer | None
    fault: TransportFault | None = None
    method: str = "POST"


class UpstreamTransport(Transport, Downloads, Protocol):
    """A transport to the server."""


class ForwardingTransport(ABC):
    """Implements `UpstreamTransport` by `_carry`, which sends each request on another transport."""

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Send a request. Raises TransportError."""
        return self._carry(
            "POST", path, lambda upstream: upstream.post(path, body, content_type=content_type, accept=accept)
        )

    def get(self, path: str, *, accept: str) -> Answer:
        """Download. Raises TransportError."""
        return self._carry("GET", path, lambda upstream: upstream.get(path, accept=accept))

    @abstractmethod
    def _carry(self, method: str, path: str, send: Callable[[UpstreamTransport], Answer]) -> Answer:
        """Call `send` with a transport, or return another response. Raises TransportError."""


@dataclass
class Network:
    """Implements `agent.ports.Transport` and `Downloads` over another transport, and records the requests.

    Without a data path no request is sent or recorded. `address` is the source address of the requests.
    """

    upstream: UpstreamTransport
    data_path: bool
    watcher: Callable[[Request], None]
    requests: list[Request] = field(default_factory=list)
    address: str = LOOPBACK

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Send a request. Raises TransportError."""
        request = Request(path, content_type, body, None)
        return self._send(
            request, lambda: self.upstream.post(path, body, content_type=content_type, accept=accept)
        )

    def get(self, path: str, *, accept: str) -> Answer:
        """Send a download request. Raises TransportError."""
        request = Request(path, "", b"", None, method="GET")
        return self._send(request, lambda: self.upstream.get(path, accept=accept))

    def _send(self, request: Request, send: Callable[[], Answer]) -> Answer:
        if not self.data_path:
            raise TransportError(TransportFault.UNREACHABLE, "the device has no data connection")
        try:
            with source_address(self.address):
                answer = send()
        except TransportError as error:
            self._record(replace(request, fault=error.fault))
            raise
        self._record(replace(request, answer=answer))
        return answer

    def _record(self, request: Request) -> None:
        self.requests.append(request)
        self.watcher(request)
