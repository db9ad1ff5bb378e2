"""The hostile network: a transport between phone and server whose holder can do anything to what it carries."""

from collections.abc import Callable
from dataclasses import dataclass

from agent.ports import Answer
from lab.world.network import UpstreamTransport
from wire import media
from wire.key_repository import METADATA_PATH


@dataclass(frozen=True, slots=True)
class Call:
    """A request on its way. The holder may forward it, changed or not, as often as it likes, or never.

    A download of the key repository has no body and no content type.
    """

    path: str
    body: bytes
    content_type: str
    accept: str
    onward: UpstreamTransport

    @property
    def asks_verdict(self) -> bool:
        """Whether this carries evidence."""
        return self.path == media.VERDICTS_PATH

    @property
    def asks_challenge(self) -> bool:
        """Whether this asks for a nonce."""
        return self.path == media.CHALLENGES_PATH

    def asks_metadata(self, name: str) -> bool:
        """Whether this asks for a metadata file whose name ends so."""
        return self.path.startswith(METADATA_PATH) and self.path.endswith(name)

    def forward(self, body: bytes | None = None, onward: UpstreamTransport | None = None) -> Answer:
        """Let the server answer, or another one, to another body if one is given. Raises TransportError."""
        to = onward or self.onward
        if not self.content_type:
            return to.get(self.path, accept=self.accept)
        sent = self.body if body is None else body
        return to.post(self.path, sent, content_type=self.content_type, accept=self.accept)


Act = Callable[[Call], Answer]
"""What the holder does with a request. Raises TransportError to make it fail."""


class Interceptor:
    """Implements `lab.world.network.UpstreamTransport` over another one. While `act` is None everything passes
    unchanged."""

    def __init__(self, onward: UpstreamTransport) -> None:
        self.onward = onward
        self.act: Act | None = None
        self.evidence: list[bytes] = []
        self.tokens: list[bytes] = []
        self.challenges: list[Answer] = []
        self.files: dict[str, Answer] = {}

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Carry a request as the holder likes. Raises TransportError."""
        return self._carry(Call(path, body, content_type, accept, self.onward))

    def get(self, path: str, *, accept: str) -> Answer:
        """Carry a download as the holder likes. Raises TransportError."""
        return self._carry(Call(path, b"", "", accept, self.onward))

    def _carry(self, call: Call) -> Answer:
        answer = self.act(call) if self.act else call.forward()
        self._listen(call, answer)
        return answer

    def _listen(self, call: Call, answer: Answer) -> None:
        """Keep a copy of what went by, for a replay."""
        if call.asks_verdict:
            self.evidence.append(call.body)
            self.tokens.append(answer.body)
        elif call.asks_challenge:
            self.challenges.append(answer)
        else:
            self.files[call.path] = answer
