"""What stands between a phone and the server: whether there is a way at all, and what went over it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from agent.ports import Answer, Transport, TransportError, TransportFault


@dataclass(frozen=True, slots=True)
class Request:
    """One request that left the phone, and the answer or the fault that it met."""

    path: str
    content_type: str
    body: bytes
    answer: Answer | None
    fault: TransportFault | None = None


@dataclass
class Network:
    """Implements `agent.ports.Transport` over another one, and keeps a record.

    Without a data path nothing leaves the phone and nothing is recorded.
    """

    onward: Transport
    data_path: bool
    watcher: Callable[[Request], None]
    requests: list[Request] = field(default_factory=list)

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Carry a request. Raises TransportError."""
        if not self.data_path:
            raise TransportError(TransportFault.UNREACHABLE, "the phone has no data connection")
        try:
            answer = self.onward.post(path, body, content_type=content_type, accept=accept)
        except TransportError as error:
            self._note(Request(path, content_type, body, None, error.fault))
            raise
        self._note(Request(path, content_type, body, answer))
        return answer

    def _note(self, request: Request) -> None:
        self.requests.append(request)
        self.watcher(request)
