"""The hostile network: a transport between device and server that can do anything with requests and responses."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from agent.ports import Answer, TransportError, TransportFault
from lab.world.network import ForwardingTransport, Request, UpstreamTransport
from wire import media
from wire.key_repository import METADATA_PATH


@dataclass(frozen=True, slots=True)
class InterceptedRequest(Request):
    """A request to `upstream`. A handler may forward it, changed or not, as often as it likes, or never."""

    upstream: UpstreamTransport = field(kw_only=True)

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
        changed = self if body is None else replace(self, body=body)
        return changed.send(upstream or self.upstream)


Handler = Callable[[InterceptedRequest], Answer]
"""Returns the response to a request. Raises TransportError to make the request fail."""


def drop(_: InterceptedRequest) -> Answer:
    """A handler that drops every request."""
    raise TransportError(TransportFault.UNREACHABLE, "the network drops it")


class Interceptor(ForwardingTransport):
    """Sends requests on another transport, and keeps what passed for a replay.

    While `handler` is None, everything passes unchanged.
    """

    def __init__(self, upstream: UpstreamTransport) -> None:
        self.upstream = upstream
        self.handler: Handler | None = None
        self.evidence: list[bytes] = []
        self.tokens: list[bytes] = []
        self.challenges: list[Answer] = []
        self.files: dict[str, Answer] = {}

    def _carry(self, request: Request) -> Answer:
        sent = (request.path, request.accept, request.content_type, request.body)
        request = InterceptedRequest(*sent, upstream=self.upstream)
        answer = self.handler(request) if self.handler else request.forward()
        if request.asks_verdict:
            self.evidence.append(request.body)
            self.tokens.append(answer.body)
        elif request.asks_challenge:
            self.challenges.append(answer)
        else:
            self.files[request.path] = answer
        return answer
