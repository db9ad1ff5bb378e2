"""Storage that fails: full, unreadable, and what a hand with flash access leaves behind."""

from dataclasses import dataclass, field

from agent.ports import CounterError, StoreError


@dataclass
class FullDisk:
    """A state partition whose disk fills up while `full` is set. What was there stays."""

    content: bytes | None = None
    full: bool = False
    written: list[bytes] = field(default_factory=list)

    def read(self) -> bytes | None:
        return self.content

    def write(self, content: bytes) -> None:
        if self.full:
            raise StoreError("store-unwritable", "No space left on device")
        self.content = content
        self.written.append(content)

    def erase(self) -> None:
        self.content = None


@dataclass
class FaultyCounter:
    """A counter that a repair shop can reset, and that does not answer while `broken` is set."""

    count: int = 0
    broken: bool = False

    def value(self) -> int:
        self._check()
        return self.count

    def increment(self) -> int:
        self._check()
        self.count += 1
        return self.count

    def _check(self) -> None:
        if self.broken:
            raise CounterError("counter-unreadable", "no answer")
