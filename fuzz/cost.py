"""The oracle of cost: processor time and memory of a reader, and how its time grows with the input.

The first byte of an input selects the use of the rest.

| byte | the rest |
|---|---|
| `1` | a document |
| `R` | a selector of the size, then a beginning, a unit and an end, separated by RS (0x1E); the unit is repeated |

NUL in a repeated unit becomes the number of its repetition, so that names can differ. Only `R` is a test of growth:
the document with twice as many units must cost less than `GROWTH_MAX` times as much, twice in a row, so that one
threshold between two sizes is not taken for growth.
"""

import resource
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from fuzz.fault import hold

GROWTH_MAX: Final = 2.5
MEASURABLE: Final = 0.03
"""Processor time in seconds below which growth is not judged."""
SEPARATOR: Final = b"\x1e"

_RUNS: Final = 3
_INSTRUMENTED: Final = 4
_RESIDENT_SLACK: Final = 64 * 1024 * 1024
"""Bytes by which the process may grow for other reasons than the input: the allocator, imports, the fuzzer."""

Reader = Callable[[bytes], object]
"""The code under test with its oracle of errors and results: it raises for a broken rule only."""


@dataclass(frozen=True, slots=True)
class CostBudget:
    """Most processor time in seconds, and most memory in bytes: a constant part, and one for each byte of input."""

    seconds: float
    seconds_per_byte: float
    memory: int
    memory_per_byte: int

    def seconds_for(self, length: int) -> float:
        """For an input of `length` bytes."""
        return self.seconds + self.seconds_per_byte * length

    def memory_for(self, length: int) -> int:
        """For an input of `length` bytes."""
        return self.memory + self.memory_per_byte * length


@dataclass(frozen=True, slots=True)
class BoundedTarget:
    """A harness: `read` within `budget`. `sizes` are the lengths of documents with a repeated unit, largest last.

    `work` is the length for which a document may cost: more than its own where it asks for many results in few bytes.
    Above `work_max` it is not read, so that the search is not slow.
    """

    read: Reader
    budget: CostBudget
    sizes: tuple[int, ...] = (1_000, 4_000, 16_000)
    work: Callable[[bytes], int] = len
    work_max: int = 1 << 21

    def __call__(self, data: bytes) -> None:
        """Run one input. Raises BrokenRuleError if it costs too much."""
        documents = self.documents(data)
        work = [max(1, self.work(document)) for document in documents]
        if max(work) > self.work_max:
            return
        self._check_memory(documents[0], work[0])
        self._check_time(documents[-1], work[-1])
        if len(documents) > 1:
            self._check_growth(documents, work)

    def instrumented(self) -> "BoundedTarget":
        """The same for code that notes its coverage, which takes several times as long."""
        budget = self.budget
        seconds, per_byte = _INSTRUMENTED * budget.seconds, _INSTRUMENTED * budget.seconds_per_byte
        return replace(self, budget=replace(budget, seconds=seconds, seconds_per_byte=per_byte))

    def replay(self, data: bytes) -> None:
        """Run the smallest document of an input without the oracle of cost."""
        self.read(self.documents(data)[0])

    def documents(self, data: bytes) -> list[bytes]:
        """The documents of an input, each with twice as many units as the one before."""
        if data[:1] != b"R":
            return [data[1:]]
        parts = RepeatedUnit.of(data[2:])
        count = parts.count_for(self.sizes[data[1] % len(self.sizes)] // 4 if data[1:] else 0)
        return [parts.document(count << power) for power in range(3)]

    def _check_memory(self, document: bytes, work: int) -> None:
        """Hold the memory of Python's objects, which costs time to trace: of a repeated unit the smallest document."""
        tracemalloc.start()
        try:
            self.read(document)
            memory = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        self._hold_memory(work, memory)

    def _check_time(self, document: bytes, work: int) -> None:
        """Hold the processor time, and by how much the process grew."""
        resident = _resident()
        seconds, allowed = _seconds(self.read, document), self.budget.seconds_for(work)
        self._hold_memory(work, _resident() - resident - _RESIDENT_SLACK)
        if seconds > allowed:
            seconds = processor_time(self.read, document)
            rule = f"work of {work} bytes takes at most {allowed:.3f} s"
            hold(f"{rule}, not {seconds:.3f}", holds=seconds <= allowed)

    def _hold_memory(self, work: int, memory: int) -> None:
        most = self.budget.memory_for(work)
        hold(f"work of {work} bytes takes at most {most} bytes of memory, not {memory}", holds=memory <= most)

    def _check_growth(self, documents: list[bytes], work: list[int]) -> None:
        ratio = max(2.0, *(after / before for before, after in pairwise(work)))
        growth, allowed = min_growth(self.read, documents), GROWTH_MAX * ratio / 2
        hold(f"{ratio:.1f} times the work takes {growth:.1f} times as long", holds=growth < allowed)


@dataclass(frozen=True, slots=True)
class RepeatedUnit:
    """A document that consists of a beginning, a number of units, and an end."""

    beginning: bytes
    unit: bytes
    end: bytes

    @classmethod
    def of(cls, data: bytes) -> "RepeatedUnit":
        """Its parts from an input. Without separators everything is the unit."""
        parts = data.split(SEPARATOR, 2)
        if len(parts) == 1:
            return cls(b"", data, b"")
        return cls(parts[0], parts[1], parts[2] if len(parts) == 3 else b"")

    def count_for(self, length: int) -> int:
        """How many units have about `length` bytes together, at least 1."""
        return max(1, length // max(1, len(self.unit)))

    def document(self, count: int) -> bytes:
        """The document with `count` units."""
        if b"\0" not in self.unit:
            return self.beginning + self.unit * count + self.end
        units = (self.unit.replace(b"\0", b"%d" % number) for number in range(count))
        return self.beginning + b"".join(units) + self.end


def repeated(units: Iterable[tuple[bytes, bytes, bytes]]) -> Iterator[bytes]:
    """Inputs with a repeated unit, of three sizes in turn, from beginnings, units and ends."""
    for size, parts in enumerate(units):
        yield b"R" + bytes((size % 3,)) + SEPARATOR.join(parts)


def min_growth(read: Reader, documents: list[bytes]) -> float:
    """The least factor of cost between a document and the next one, 0 if the last costs too little to say.

    Measured again, with more runs, if it is too large.
    """
    growth = 0.0
    for runs in (1, _RUNS, 2 * _RUNS):
        seconds = [max(1e-6, processor_time(read, document, runs=runs)) for document in documents[::-1]]
        if seconds[0] < MEASURABLE:
            return 0.0
        growth = min(before / after for before, after in pairwise(seconds))
        if growth < GROWTH_MAX:
            break
    return growth


def processor_time(read: Reader, document: bytes, *, runs: int = _RUNS) -> float:
    """The least processor time of `runs` runs, in seconds."""
    return min(_seconds(read, document) for _ in range(runs))


def _seconds(read: Reader, document: bytes) -> float:
    start = time.process_time()
    read(document)
    return time.process_time() - start


def _resident() -> int:
    """The most memory that the process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
