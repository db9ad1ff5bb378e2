"""Power cuts at a chosen instant: a fuse that blows at its n-th tick, and hardware that ticks it.

The wrapped parts tick before and after everything that leaves a trace outside of the agent: writing the state,
counting, showing, sending. What was done before the cut stays done.
"""

from dataclasses import dataclass

from agent.ports import Answer, MonotonicCounter, SealedStore
from lab.network import Onward


class PowerCut(BaseException):
    """The battery is out. It is no error: nothing in the agent may catch it."""


@dataclass
class Fuse:
    """Blows at tick `at`, counted from 1; 0 never blows."""

    at: int = 0
    ticks: int = 0

    def tick(self) -> None:
        self.ticks += 1
        if self.ticks == self.at:
            raise PowerCut


@dataclass
class FusedStore:
    inner: SealedStore
    fuse: Fuse

    def read(self) -> bytes | None:
        return self.inner.read()

    def write(self, content: bytes) -> None:
        self.fuse.tick()
        self.inner.write(content)
        self.fuse.tick()


@dataclass
class FusedCounter:
    inner: MonotonicCounter
    fuse: Fuse

    def value(self) -> int:
        return self.inner.value()

    def increment(self) -> int:
        self.fuse.tick()
        count = self.inner.increment()
        self.fuse.tick()
        return count


@dataclass
class FusedTransport:
    inner: Onward
    fuse: Fuse

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        self.fuse.tick()
        answer = self.inner.post(path, body, content_type=content_type, accept=accept)
        self.fuse.tick()
        return answer

    def get(self, path: str, *, accept: str) -> Answer:
        self.fuse.tick()
        return self.inner.get(path, accept=accept)
