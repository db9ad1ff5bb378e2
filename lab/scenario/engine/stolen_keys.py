"""A man in the middle with stolen keys of the server, who signs again what devices receive."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Final

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Timestamp

from agent.ports import Answer
from lab.handset import unverified_tokens
from lab.manufacturer.key_rotation import find_verdict_key
from lab.manufacturer.manufacturer import Manufacturer
from lab.scenario.engine.operations import StepError
from lab.scenario.model.server_steps import StealableKey, StealKey
from lab.world.network import ForwardingTransport, Request, UpstreamTransport
from server_stub.key_repository import OnlineRole
from server_stub.signing.signing_key import SigningKey
from wire import key_repository, limits, media
from wire.verdict import Verdict

_TIMESTAMP: Final = f"{key_repository.METADATA_PATH}timestamp.json"
_HIGH: Final = 2**31
"""Added to version and clock number of a timestamp, so that none of the server's own is as high."""


@dataclass
class Thief:
    """The stolen keys, each used until a moment in seconds since the epoch. `now` returns the true time."""

    now: Callable[[], float]
    verdict_key: SigningKey | None = None
    timestamp_key: CryptoSigner | None = None
    ahead: dict[StealableKey, int] = field(default_factory=dict)
    ends: dict[StealableKey, float] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(_HIGH))

    def steal(self, step: StealKey, manufacturer: Manufacturer, root: bytes, kid: str) -> None:
        """Copy a key of `manufacturer`: the timestamp key that `root` names, or the verdict key `kid`.

        Raises StepError if it has none of this name.
        """
        self.ends[step.steal_key] = self.now() + step.for_
        self.ahead[step.steal_key] = step.seconds
        if step.steal_key is StealableKey.TIMESTAMP:
            self.timestamp_key = manufacturer.ceremony.online_of(root).signer(OnlineRole.TIMESTAMP)
            return
        self.verdict_key = find_verdict_key(manufacturer, kid)
        if self.verdict_key is None:
            raise StepError("the server signs with a key that the seed of this run does not give", skips=True)

    def uses(self, key: StealableKey) -> bool:
        """Whether the thief is in the middle with this key."""
        return self.now() < self.ends.get(key, 0.0)

    def timestamp(self, received: Metadata[Timestamp]) -> bytes:
        """A timestamp for the same snapshot that no later one of the server can follow."""
        if self.timestamp_key is not None:
            signed = received.signed
            signed.version = next(self._numbers)
            signed.expires += timedelta(seconds=self.ahead[StealableKey.TIMESTAMP])
            signed.unrecognized_fields[key_repository.CLOCK] = _HIGH
            received.sign(self.timestamp_key)
        return received.to_bytes()

    def verdict(self, token: bytes, ceiling: int) -> bytes:
        """The verdict in `token`, issued at `ceiling` or later by what the thief wants."""
        if self.verdict_key is None:
            return token
        verdict = Verdict.model_validate(unverified_tokens.token(token)["claims"])
        later = ceiling + self.ahead[StealableKey.VERDICT] - verdict.iat
        times = {name: getattr(verdict, name) for name in ("iat", "nbf", "exp", "not_before_lock")}
        shifted = {name: value + later for name, value in times.items() if value is not None}
        return self.verdict_key.sign(verdict.model_copy(update=shifted)).encode()


@dataclass
class ThiefTransport(ForwardingTransport):
    """Sends requests on `upstream`; the thief changes the responses. `ceiling` follows the newest timestamp."""

    upstream: UpstreamTransport
    thief: Thief
    ceiling: int = 0

    def _carry(self, request: Request) -> Answer:
        answer = request.send(self.upstream)
        if answer.status != 200 or not self.thief.ends:
            return answer
        if request.path == _TIMESTAMP:
            received = Metadata[Timestamp].from_bytes(answer.body)
            body = answer.body
            if self.thief.uses(StealableKey.TIMESTAMP):
                body = self.thief.timestamp(received)
            self.ceiling = int(received.signed.expires.timestamp()) + limits.SKEW
            return replace(answer, body=body)
        if request.path == media.VERDICTS_PATH and self.thief.uses(StealableKey.VERDICT):
            return replace(answer, body=self.thief.verdict(answer.body, self.ceiling))
        return answer
