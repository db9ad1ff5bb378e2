"""A device under attack: the handset, its hostile network, and its storage for an attacker with flash access."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from agent.core.events import EventKind
from agent.core.screens import ScreenId
from agent.core.states import Lock
from agent.core.timing import Context, trusted_now
from agent.ports import KeySource, Ports, PublishedKeys
from agent.verification.bounds import TimestampBounds
from agent.verification.keyset import KeySet
from agent.verification.verdict import Expected
from lab.attacks.harness.interceptor import Interceptor
from lab.attacks.harness.token_forge import thumbprint_of
from lab.handset.handset import Handset
from lab.handset.image import Trust
from lab.handset.storage import EmulatedCounter, EmulatedStore
from lab.handset.timeline import Who
from lab.world.seed import Seed
from server_stub.key_repository import KeyList

_VERDICTS: Final = frozenset(
    kind.value
    for kind in (
        EventKind.ALLOWED,
        EventKind.NOTICED,
        EventKind.DENIED,
        EventKind.DEFERRED,
        EventKind.RELEASED,
    )
)


@dataclass(frozen=True, slots=True)
class DeviceState:
    """State of a device after an attack.

    `lock` is None if no agent runs, `screen` if the display is off. `last_code` is the last result that the agent
    recorded: the code of a failure, decision and reason of a verdict, or the fault that was found at boot.
    """

    lock: Lock | None
    screen: ScreenId | None
    last_code: str

    def as_json(self) -> dict[str, str | None]:
        """The members of the JSON report."""
        return {
            "lock": self.lock.value if self.lock else None,
            "screen": self.screen.value if self.screen else None,
            "told": self.last_code,
        }

    def __str__(self) -> str:
        lock, screen = (part.value if part else "none" for part in (self.lock, self.screen))
        return f"{self.last_code}; lock {lock}, screen {screen}"


@dataclass(frozen=True, slots=True)
class CapturedToken:
    """A token as it reached a device, and what the device compared it with. `now` is trusted time."""

    token: bytes
    expected: Expected
    floor: int
    latest: int | None
    now: int


@dataclass(slots=True)
class RecordedKeys:
    """Implements `agent.ports.KeySource` over that of a device, and keeps what it published last."""

    published: PublishedKeys = field(default_factory=lambda: PublishedKeys(KeySet(), TimestampBounds(), None))
    _source: KeySource = field(init=False)

    def within(self, ports: Ports) -> Ports:
        """`ports` with this key source over theirs."""
        self._source = ports.keys
        return replace(ports, keys=self)

    def keys(self, known: TimestampBounds, in_time: Callable[[], bool]) -> PublishedKeys:
        """The keys of the device's source. Raises KeySourceError."""
        self.published = self._source.keys(known, in_time)
        return self.published

    def cached_keys(self) -> KeySet:
        """The cached keys of the device's source. Raises KeySourceError."""
        return self._source.cached_keys()


@dataclass(slots=True)
class TargetDevice:
    """`keys` is the key set that its server publishes; `seed` and `folder` belong to the hardware."""

    handset: Handset
    interceptor: Interceptor
    store: EmulatedStore
    counter: EmulatedCounter
    trust: Trust
    keys: KeyList
    recorded: RecordedKeys
    seed: Seed
    folder: Path
    captured: CapturedToken | None = None

    def capture(self, token: bytes, evidence: bytes) -> None:
        """Keep the token that answers `evidence`, and what the device will compare it with."""
        agent = self.handset.agent
        if agent is None:
            return
        state, published = agent.state, self.recorded.published
        expected = Expected(
            issuer=self.trust.issuer,
            audience=self.trust.audience,
            thumbprint=thumbprint_of(evidence),
            nonce=state.nonce,
            serial=state.memory.serial,
            policy_version=state.memory.policy_floor(published.bounds),
        )
        now = trusted_now(state, Context(self.handset.clock.elapsed(), 0.0))
        self.captured = CapturedToken(token, expected, published.bounds.floor, published.latest, now)

    def state(self) -> DeviceState:
        """Lock and screen now, and the last code in the timeline."""
        now, agent = self.handset.display.current, self.handset.agent
        return DeviceState(
            agent.state.lock if agent else None, now.screen if now else None, self._last_code()
        )

    def jwks(self) -> dict[str, Any]:
        """The JWK Set that the device verifies with."""
        return {"keys": [dict(key) for key in self.keys.keys]}

    def _last_code(self) -> str:
        timeline = self.handset.timeline
        for entry in reversed(timeline.entries):
            if entry.what == "not booted":
                return entry.what
            if entry.who is not Who.AGENT:
                continue
            if entry.what in _VERDICTS and timeline.verdicts:
                return f"{timeline.verdicts[-1].decision} {timeline.verdicts[-1].reason}"
            if code := entry.detail.get("code") or entry.detail.get("undone") or entry.detail.get("fault"):
                return str(code)
        return "nothing"
