"""Breadth-first search through everything that can happen, so that the first trace to a violation is a shortest one."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

from agent.core.states import Lock
from lab.model_check.invariants import INVARIANTS, USABLE, Broken
from lab.model_check.model import START, Model
from lab.model_check.world import AHEAD, NEWEST, NOBODY, World

LIMIT: Final = 3_000_000
"""Worlds after which a search is cut off; it is not complete then, and says so."""


@dataclass(frozen=True, slots=True)
class Violation:
    """What breaks an invariant, and the shortest way to it, as stories of moves from a new phone."""

    invariant: str
    message: str
    story: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search. `violations` has the first for each invariant that is broken."""

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
    """One search. `first` ends it at the first violation."""

    model: Model
    first: bool = False
    limit: int = LIMIT
    worlds: list[World] = field(default_factory=lambda: [START])
    violations: dict[str, Violation] = field(default_factory=dict)
    _parents: "array[int]" = field(default_factory=lambda: array("l", [-1]))
    _stories: list[str] = field(default_factory=lambda: [""])
    _depths: "array[int]" = field(default_factory=lambda: array("l", [0]))
    _from: "array[int]" = field(default_factory=lambda: array("l"))
    _to: "array[int]" = field(default_factory=lambda: array("l"))
    _marks: bytearray = field(default_factory=bytearray)

    def run(self) -> Found:
        """Search until there is nothing new."""
        begun = perf_counter()
        complete = self._spread()
        if complete and not (self.first and self.violations):
            self._whole_graph()
        return Found(
            len(self.worlds),
            len(self._marks),
            self._depths[-1],
            perf_counter() - begun,
            complete,
            {name: self.violations[name] for name in INVARIANTS if name in self.violations},
        )

    def _spread(self) -> bool:
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

    def _expand(self, current: int, known: dict[World, int]) -> None:
        for story, after, helpful, broken, cut in self.model.moves(self.worlds[current], merged=True):
            if broken:
                self._note(broken, current, story)
            number = known.get(after)
            if number is None:
                number = known[after] = len(self.worlds)
                self._add(after, current, story)
            self._from.append(current)
            self._to.append(number)
            self._marks.append(CUT if cut else HELPFUL if helpful else 0)

    def _add(self, world: World, parent: int, story: str) -> None:
        self.worlds.append(world)
        self._parents.append(parent)
        self._stories.append(story)
        self._depths.append(self._depths[parent] + 1)
        if broken := self.model.broken(world):
            self._note(broken, parent, story)

    def _note(self, broken: tuple[Broken, ...], parent: int, story: str) -> None:
        for invariant, message in broken:
            if invariant not in self.violations:
                self.violations[invariant] = Violation(invariant, message, (*self.story(parent), story))

    def story(self, number: int) -> tuple[str, ...]:
        """The stories of the moves that lead from a new phone to a world."""
        moves = []
        while number > 0:
            moves.append(self._stories[number])
            number = self._parents[number]
        return tuple(reversed(moves))

    # --- what needs the whole graph -----------------------------------------------------------------------------------

    def _whole_graph(self) -> None:
        if self.model.traits.enforcing:
            stuck = next(self._stuck(), None)
            if stuck is not None and "I7" not in self.violations:
                message = "from here no co-operative network and server lead to a usable phone"
                self.violations["I7"] = Violation("I7", message, self.story(stuck))
        cut_off = next(self._cut_off(), None)
        if cut_off is not None and "I9" not in self.violations:
            message = "no run without a cut in the midst of a step leaves this record"
            self.violations["I9"] = Violation("I9", message, self.story(cut_off))

    def _stuck(self) -> Iterator[int]:
        """Worlds from which helpful moves alone never lead to a usable phone; the nearest first."""
        back: dict[int, list[int]] = {}
        for source, target, mark in zip(self._from, self._to, self._marks, strict=True):
            if mark == HELPFUL:
                back.setdefault(target, []).append(source)
        homes = [number for number, world in enumerate(self.worlds) if self._is_home(world)]
        reached = _reach(homes, back, len(self.worlds))
        return (number for number, seen in enumerate(reached) if not seen)

    def _is_home(self, world: World) -> bool:
        if world.panel not in USABLE or world.todo:
            return False
        return world.agent == NOBODY or self.model.pool.states[world.agent].lock is not Lock.LOCKED

    def _cut_off(self) -> Iterator[int]:
        """Phones that are off with a record that only runs with a cut within a step leave; the nearest first."""
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
        """The record that a boot would go on from, as a number; None where there is none or the phone runs."""
        world = self.worlds[number]
        usable = not world.powered and world.disk is not None and world.disk.gap in (NEWEST, AHEAD)
        return world.disk.content if usable and world.disk is not None else None


def _reach(todo: list[int], edges: dict[int, list[int]], size: int) -> bytearray:
    """1 for every number that `edges` lead to from `todo`, and for these; changes `todo`."""
    reached = bytearray(size)
    for number in todo:
        reached[number] = 1
    while todo:
        for target in edges.get(todo.pop(), ()):
            if not reached[target]:
                reached[target] = 1
                todo.append(target)
    return reached
