"""The hostile network: a transport between device and server that can do anything with requests and responses."""

from collections.abc import Callable
from dataclasses import dataclass

from agent.ports import Answer, TransportError, TransportFault
from lab.world.network import UpstreamTransport
from wire import media
from wire.key_repository import METADATA_PATH


@dataclass(frozen=True, slots=True)
class InterceptedRequest:
    """A request of a device. A handler may forward it, changed or not, as often as it likes, or never.

    A download of the key repository has no body and no content type.
    """

    path: str
    body: bytes
    content_type: str
    accept: str
    upstream: UpstreamTransport

    @property
    def asks_verdict(self) -> bool:
        """Whether this carries evidence."""
        return self.path == media.VERDICTS_PATH

    @property
    def asks_challenge(self) -> bool:
        """Whether this requests a nonce."""
        return self.path == media.CHALLENGES_PATH

    def asks_metadata(self, name: str) -> bool:
        """Whether this requests a metadata file whose name ends with `name`."""
        return self.path.startswith(METADATA_PATH) and self.path.endswith(name)

    def forward(self, body: bytes | None = None, upstream: UpstreamTransport | None = None) -> Answer:
        """The response of the server, or of another one, to this body or another one. Raises TransportError."""
        upstream = upstream or self.upstream
        if not self.content_type:
            return upstream.get(self.path, accept=self.accept)
        sent = self.body if body is None else body
        return upstream.post(self.path, sent, content_type=self.content_type, accept=self.accept)


Handler = Callable[[InterceptedRequest], Answer]
"""Returns the response to a request. Raises TransportError to make the request fail."""


def drop(_: InterceptedRequest) -> Answer:
    """A handler that drops every request."""
    raise TransportError(TransportFault.UNREACHABLE, "the network drops it")


class Interceptor:
    """Implements `UpstreamTransport` over another one, and keeps what passed for a replay.

    While `handler` is None, everything passes unchanged.
    """

    def __init__(self, upstream: UpstreamTransport) -> None:
        self.upstream = upstream
        self.handler: Handler | None = None
        self.evidence: list[bytes] = []
        self.tokens: list[bytes] = []
        self.challenges: list[Answer] = []
        self.files: dict[str, Answer] = {}

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Pass a request to the handler. Raises TransportError."""
        return self._pass(InterceptedRequest(path, body, content_type, accept, self.upstream))

    def get(self, path: str, *, accept: str) -> Answer:
        """Pass a download to the handler. Raises TransportError."""
        return self._pass(InterceptedRequest(path, b"", "", accept, self.upstream))

    def _pass(self, request: InterceptedRequest) -> Answer:
        answer = self.handler(request) if self.handler else request.forward()
        if request.asks_verdict:
            self.evidence.append(request.body)
            self.tokens.append(answer.body)
        elif request.asks_challenge:
            self.challenges.append(answer)
        else:
            self.files[request.path] = answer
        return answer
