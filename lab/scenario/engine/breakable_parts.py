"""Parts of a phone that a scenario can break: flash, counter, and the battery, which a power_cut stands for."""

from collections.abc import Callable
from dataclasses import dataclass

from agent.ports import Answer, CounterError, StoreError
from lab.handset.counter import EmulatedCounter
from lab.handset.storage import EmulatedStore
from lab.world.network import UpstreamTransport


class PowerCut(BaseException):
    """The battery is out. It is no error: nothing in the agent may catch it."""


@dataclass
class PowerCutTrigger:
    """Blows at tick `at`, counted from 1; 0 never blows. Everything that leaves a trace outside of the agent ticks."""

    at: int = 0
    ticks: int = 0

    def set(self, at: int) -> None:
        """Count anew."""
        self.at, self.ticks = at, 0

    def checkpoint(self) -> None:
        """One more effect is done, or about to be."""
        self.ticks += 1
        if self.at and self.ticks == self.at:
            self.at = 0
            raise PowerCut


class FaultyStore(EmulatedStore):
    """A state partition that can be full, and be read and written behind the agent's back."""

    def __init__(self, power_cut: PowerCutTrigger) -> None:
        super().__init__()
        self._fuse = power_cut
        self.full = False

    def write(self, content: bytes) -> None:
        """Replace the content. Raises StoreError where the disk is full."""
        self._fuse.checkpoint()
        if self.full:
            raise StoreError("disk-full", "no space left")
        super().write(content)
        self._fuse.checkpoint()

    def put(self, content: bytes | None) -> None:
        """Write it from outside, or with None delete it."""
        if content is None:
            self.erase()
        else:
            super().write(content)


class FaultyCounter(EmulatedCounter):
    """A monotonic counter that can fall silent, or be replaced by a new one."""

    def __init__(self, power_cut: PowerCutTrigger) -> None:
        super().__init__()
        self._fuse = power_cut
        self.silent = False

    def value(self) -> int:
        """The count. Raises CounterError where it does not answer."""
        if self.silent:
            raise CounterError("counter-silent", "the counter does not answer")
        return super().value()

    def increment(self) -> int:
        """Count up by one. Raises CounterError where it does not answer."""
        self._fuse.checkpoint()
        if self.silent:
            raise CounterError("counter-silent", "the counter does not answer")
        count = super().increment()
        self._fuse.checkpoint()
        return count

    def replace(self) -> None:
        """A repair shop puts in another chip."""
        self._value = 0


@dataclass
class PowerCutTransport:
    """Implements `lab.world.network.UpstreamTransport`: a request ticks before it leaves and when it is answered."""

    onward: UpstreamTransport
    power_cut: PowerCutTrigger

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Carry a request. Raises TransportError."""
        return self._ticking(lambda: self.onward.post(path, body, content_type=content_type, accept=accept))

    def get(self, path: str, *, accept: str) -> Answer:
        """Carry a download. Raises TransportError."""
        return self._ticking(lambda: self.onward.get(path, accept=accept))

    def _ticking(self, send: Callable[[], Answer]) -> Answer:
        self.power_cut.checkpoint()
        answer = send()
        self.power_cut.checkpoint()
        return answer
