"""Power cuts at a chosen instant: a fuse that blows at its n-th tick, and hardware that ticks it.

The wrapped parts tick before and after everything that leaves a trace outside of the agent: writing the state,
counting, showing, sending. What was done before the cut stays done.
"""

from dataclasses import dataclass

from agent.ports import Answer, MonotonicCounter, SealedStore
from lab.world.network import UpstreamTransport


class PowerCut(BaseException):
    """The battery is out. It is no error: nothing in the agent may catch it."""


@dataclass
class PowerCutTrigger:
    """Blows at tick `at`, counted from 1; 0 never blows."""

    at: int = 0
    ticks: int = 0

    def checkpoint(self) -> None:
        self.ticks += 1
        if self.ticks == self.at:
            raise PowerCut


@dataclass
class FusedStore:
    inner: SealedStore
    fuse: PowerCutTrigger

    def read(self) -> bytes | None:
        return self.inner.read()

    def write(self, content: bytes) -> None:
        self.fuse.checkpoint()
        self.inner.write(content)
        self.fuse.checkpoint()


@dataclass
class FusedCounter:
    inner: MonotonicCounter
    fuse: PowerCutTrigger

    def value(self) -> int:
        return self.inner.value()

    def increment(self) -> int:
        self.fuse.checkpoint()
        count = self.inner.increment()
        self.fuse.checkpoint()
        return count


@dataclass
class FusedTransport:
    inner: UpstreamTransport
    fuse: PowerCutTrigger

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        self.fuse.checkpoint()
        answer = self.inner.post(path, body, content_type=content_type, accept=accept)
        self.fuse.checkpoint()
        return answer

    def get(self, path: str, *, accept: str) -> Answer:
        self.fuse.checkpoint()
        return self.inner.get(path, accept=accept)
