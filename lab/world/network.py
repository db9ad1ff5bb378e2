"""What stands between a phone and the server: whether there is a way at all, and what went over it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from agent.ports import Answer, Downloads, Transport, TransportError, TransportFault
from lab.world.addresses import LOOPBACK, source_address


@dataclass(frozen=True, slots=True)
class Request:
    """One request that left the phone, and the answer or the fault that it met. A `GET` has no body and no type."""

    path: str
    content_type: str
    body: bytes
    answer: Answer | None
    fault: TransportFault | None = None
    method: str = "POST"


class UpstreamTransport(Transport, Downloads, Protocol):
    """The way to the server."""


@dataclass
class Network:
    """Implements `agent.ports.Transport` and `Downloads` over another one, and keeps a record.

    Without a data path nothing leaves the phone and nothing is recorded. `address` is where its requests come from.
    """

    onward: UpstreamTransport
    data_path: bool
    watcher: Callable[[Request], None]
    requests: list[Request] = field(default_factory=list)
    address: str = LOOPBACK

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Carry a request. Raises TransportError."""
        asked = Request(path, content_type, body, None)
        return self._carry(
            asked, lambda: self.onward.post(path, body, content_type=content_type, accept=accept)
        )

    def get(self, path: str, *, accept: str) -> Answer:
        """Carry a download. Raises TransportError."""
        asked = Request(path, "", b"", None, method="GET")
        return self._carry(asked, lambda: self.onward.get(path, accept=accept))

    def _carry(self, asked: Request, send: Callable[[], Answer]) -> Answer:
        if not self.data_path:
            raise TransportError(TransportFault.UNREACHABLE, "the phone has no data connection")
        try:
            with source_address(self.address):
                answer = send()
        except TransportError as error:
            self._note(replace(asked, fault=error.fault))
            raise
        self._note(replace(asked, answer=answer))
        return answer

    def _note(self, request: Request) -> None:
        self.requests.append(request)
        self.watcher(request)
