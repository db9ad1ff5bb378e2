"""A phone under attack: the handset, its hostile network, and its storage for an attacker with flash access."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.core.events import EventKind
from agent.core.timing import Context, trusted_now
from agent.verification.verdict import Expected, TimeCertainty
from lab.attacks.device_state import DeviceState
from lab.attacks.harness import evidence_forge
from lab.attacks.harness.interceptor import Interceptor
from lab.handset.counter import EmulatedCounter
from lab.handset.handset import Handset
from lab.handset.image import Trust
from lab.handset.storage import EmulatedStore
from lab.handset.timeline import Entry, Who
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
class CapturedToken:
    """A token as it reached a phone, and everything that the phone held it against."""

    token: bytes
    expected: Expected
    now: int


@dataclass(slots=True)
class Phone:
    """`keys` is the key set that its server publishes, `seed` and `folder` are the hardware's own."""

    handset: Handset
    wire: Interceptor
    store: EmulatedStore
    counter: EmulatedCounter
    trust: Trust
    keys: KeyList
    seed: Seed
    folder: Path
    specimen: CapturedToken | None = None

    def note(self, token: bytes, evidence: bytes) -> None:
        """Keep the token that the phone gets in answer to `evidence`, and what it will hold it against."""
        agent = self.handset.agent
        if agent is None:
            return
        state = agent.state
        expected = Expected(
            issuer=self.trust.issuer,
            audience=self.trust.audience,
            thumbprint=evidence_forge.thumbprint_of(evidence),
            nonce=state.nonce,
            serial=state.memory.serial,
            policy_version=state.memory.policy_version,
            reckoning=TimeCertainty.EXACT if state.anchored else TimeCertainty.AT_LEAST,
        )
        now = trusted_now(state, Context(self.handset.clock.elapsed(), 0.0))
        self.specimen = CapturedToken(token, expected, now)

    def ending(self) -> DeviceState:
        """How the phone stands, as its user and its journal tell."""
        now, agent = self.handset.panel.now, self.handset.agent
        return DeviceState(agent.state.lock if agent else None, now.screen if now else None, self._told())

    def jwks(self) -> dict[str, Any]:
        """The JWK Set that the phone verifies with."""
        return {"keys": [dict(key) for key in self.keys.keys]}

    def _told(self) -> str:
        return next(filter(None, map(self._told_by, reversed(self.handset.timeline.entries))), "nothing")

    def _told_by(self, entry: Entry) -> str:
        if entry.what == "not booted":
            return entry.what
        if entry.who is not Who.AGENT:
            return ""
        if entry.what in _VERDICTS and self.handset.timeline.verdicts:
            verdict = self.handset.timeline.verdicts[-1]
            return f"{verdict.decision} {verdict.reason}"
        return str(entry.detail.get("code") or entry.detail.get("undone") or entry.detail.get("fault") or "")
