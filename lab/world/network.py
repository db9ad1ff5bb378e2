"""The network between a device and the server: whether it has a data connection, and a record of the requests."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from agent.ports import Answer, Downloads, Transport, TransportError, TransportFault
from lab.world.addresses import LOOPBACK, source_address


class UpstreamTransport(Transport, Downloads, Protocol):
    """A transport to the server."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a device, and its response or fault. A `GET` has no body and no content type."""

    path: str
    accept: str
    content_type: str = ""
    body: bytes = b""
    answer: Answer | None = None
    fault: TransportFault | None = None

    @property
    def method(self) -> str:
        """The method of HTTP."""
        return "POST" if self.content_type else "GET"

    def send(self, upstream: UpstreamTransport) -> Answer:
        """Send it on `upstream`. Raises TransportError."""
        if not self.content_type:
            return upstream.get(self.path, accept=self.accept)
        return upstream.post(self.path, self.body, content_type=self.content_type, accept=self.accept)


class ForwardingTransport(ABC):
    """Implements `UpstreamTransport` by `_carry`, which sends each request on another transport."""

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Send a request. Raises TransportError."""
        return self._carry(Request(path, accept, content_type, body))

    def get(self, path: str, *, accept: str) -> Answer:
        """Download. Raises TransportError."""
        return self._carry(Request(path, accept))

    @abstractmethod
    def _carry(self, request: Request) -> Answer:
        """Send a request on a transport, or return another response. Raises TransportError."""


@dataclass
class Network(ForwardingTransport):
    """Sends the requests of a device on another transport, and records them.

    Without a data path no request is sent or recorded. `address` is the source address of the requests.
    """

    upstream: UpstreamTransport
    data_path: bool
    watcher: Callable[[Request], None]
    requests: list[Request] = field(default_factory=list)
    address: str = LOOPBACK

    def _carry(self, request: Request) -> Answer:
        if not self.data_path:
            raise TransportError(TransportFault.UNREACHABLE, "the device has no data connection")
        try:
            with source_address(self.address):
                answer = request.send(self.upstream)
        except TransportError as error:
            self._record(replace(request, fault=error.fault))
            raise
        self._record(replace(request, answer=answer))
        return answer

    def _record(self, request: Request) -> None:
        self.requests.append(request)
        self.watcher(request)
