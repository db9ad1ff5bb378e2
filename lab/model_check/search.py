"""Breadth-first search of all states, so that the first trace to a violation is a shortest one."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

from agent.core.states import Lock
from lab.model_check.invariants import INVARIANTS, USABLE, Broken
from lab.model_check.model import START, Model
from lab.model_check.world_state import AHEAD, NEWEST, NOT_RUNNING, WorldState

LIMIT: Final = 3_000_000
"""The number of states after which a search ends as incomplete."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken invariant, and the names of the transitions of a shortest trace from a new device."""

    invariant: str
    message: str
    trace: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """`violations` has the first violation of each broken invariant."""

    states: int
    transitions: int
    depth: int
    seconds: float
    complete: bool
    violations: dict[str, Violation]


HELPFUL: Final = 1
CUT: Final = 2


@dataclass
class Search:
    """One search; with `first` it ends at the first violation."""

    model: Model
    first: bool = False
    limit: int = LIMIT
    worlds: list[WorldState] = field(default_factory=lambda: [START])
    violations: dict[str, Violation] = field(default_factory=dict)
    _parents: "array[int]" = field(default_factory=lambda: array("l", [-1]))
    _names: list[str] = field(default_factory=lambda: [""])
    _depths: "array[int]" = field(default_factory=lambda: array("l", [0]))
    _from: "array[int]" = field(default_factory=lambda: array("l"))
    _to: "array[int]" = field(default_factory=lambda: array("l"))
    _marks: bytearray = field(default_factory=bytearray)

    def run(self) -> SearchResult:
        """Search until no new state is found."""
        begun = perf_counter()
        with self.model.variant.applied():
            complete = self._explore()
        if complete and not (self.first and self.violations):
            self._check_graph()
        return SearchResult(
            len(self.worlds),
            len(self._marks),
            self._depths[-1],
            perf_counter() - begun,
            complete,
            {name: self.violations[name] for name in INVARIANTS if name in self.violations},
        )

    def _explore(self) -> bool:
        known = {START: 0}
        current = 0
        while current < len(self.worlds):
            if self.first and self.violations:
                return True
            if len(self.worlds) > self.limit:
                return False
            self._expand(current, known)
            current += 1
        return True

    def _expand(self, current: int, known: dict[WorldState, int]) -> None:
        for name, after, helpful, broken, cut in self.model.transitions(self.worlds[current], merged=True):
            if broken:
                self._record(broken, current, name)
            number = known.get(after)
            if number is None:
                number = known[after] = len(self.worlds)
                self.worlds.append(after)
                self._parents.append(current)
                self._names.append(name)
                self._depths.append(self._depths[current] + 1)
                if broken := self.model.broken(after):
                    self._record(broken, current, name)
            self._from.append(current)
            self._to.append(number)
            self._marks.append(CUT if cut else HELPFUL if helpful else 0)

    def _record(self, broken: tuple[Broken, ...], parent: int, *name: str) -> None:
        for invariant, message in broken:
            if invariant not in self.violations:
                self.violations[invariant] = Violation(invariant, message, (*self._trace(parent), *name))

    def _trace(self, number: int) -> tuple[str, ...]:
        """The names of the transitions from a new device to a state."""
        names = []
        while number > 0:
            names.append(self._names[number])
            number = self._parents[number]
        return tuple(reversed(names))

    def _check_graph(self) -> None:
        """The invariants that need the whole graph."""
        if self.model.traits.enforcing and (stuck := next(self._stuck(), None)) is not None:
            message = "from here no co-operative network and server lead to a usable device"
            self._record((("I7", message),), stuck)
        if (cut_off := next(self._cut_off(), None)) is not None:
            self._record((("I9", "no run without a cut within a step leaves this record"),), cut_off)

    def _stuck(self) -> Iterator[int]:
        """States from which helpful transitions never lead to a usable device; the nearest first."""
        back: dict[int, list[int]] = {}
        for source, target, mark in zip(self._from, self._to, self._marks, strict=True):
            if mark == HELPFUL:
                back.setdefault(target, []).append(source)
        homes = [number for number, world in enumerate(self.worlds) if self._is_usable(world)]
        reached = _reach(homes, back, len(self.worlds))
        return (number for number, seen in enumerate(reached) if not seen)

    def _is_usable(self, world: WorldState) -> bool:
        if world.panel not in USABLE or world.todo:
            return False
        return world.agent == NOT_RUNNING or self.model.pool.states[world.agent].lock is not Lock.LOCKED

    def _cut_off(self) -> Iterator[int]:
        """States with a record that only a power cut within a step leaves; the nearest first."""
        onward: dict[int, list[int]] = {}
        for source, target, mark in zip(self._from, self._to, self._marks, strict=True):
            if mark != CUT:
                onward.setdefault(source, []).append(target)
        orderly = _reach([0], onward, len(self.worlds))
        records = {self._recoverable(number) for number, seen in enumerate(orderly) if seen}
        return (
            number
            for number, seen in enumerate(orderly)
            if not seen and self._recoverable(number) not in records
        )

    def _recoverable(self, number: int) -> int | None:
        """The number of the record that a boot would recover; None without one, or while the device runs."""
        world = self.worlds[number]
        usable = not world.powered and world.disk is not None and world.disk.gap in (NEWEST, AHEAD)
        return world.disk.content if usable and world.disk is not None else None


def _reach(todo: list[int], edges: dict[int, list[int]], size: int) -> bytearray:
    """1 for each number that is in `todo` or reachable from it by `edges`. Empties `todo`."""
    reached = bytearray(size)
    for number in todo:
        reached[number] = 1
    while todo:
        for target in edges.get(todo.pop(), ()):
            if not reached[target]:
                reached[target] = 1
                todo.append(target)
    return reached
