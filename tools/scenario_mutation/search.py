"""The record and the search of mutation coverage: a mutant for each scenario, and a scenario for each mutant."""

import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from types import FrameType
from typing import Final

from lab.scenario.files.discovery import cases
from lab.scenario.files.reader import Case
from tools.scenario_mutation.mutants import ScenarioMutant, all_mutants, detects
from tools.workers import run_all

FILE: Final = Path(__file__).with_name("coverage.tsv")
LIBRARY: Final = Path("scenarios")

Pair = tuple[str, str]
"""The id of a scenario, and the name of a mutant that it detects."""

ENOUGH: Final = 4
"""The number of mutants searched for one scenario of each file."""

UNSPECIFIC: Final = (
    "booted",
    "language-chosen",
    "terms-accepted",
    "connected",
    "collected",
    "challenged",
    "allowed",
    "skips effect",
    "treats every verdict as",
    "always decides",
    "as unattested",
    "sets no offline limit",
    "no image boots",
    "step power-on",
    "step set-up",
)
"""Parts of the names of mutants that nearly every scenario detects: they say little about one scenario."""

LIMIT: Final = 15
"""Seconds of processor time for one run: a mutant can cause an endless loop, which does not count as detected."""


TASK_LIMIT: Final = 3600
"""Seconds of processor time for one task of the search."""


class TimeLimitError(BaseException):
    """The run took too long. Not an `Exception`, so that the code under test does not catch it."""


def unspecificity(name: str) -> int:
    """Sort key: 0 for mutants that say most about a scenario, 2 for those that say least."""
    if any(words in name for words in UNSPECIFIC):
        return 2
    return 1 if name.startswith("world: the ") else 0


@cache
def library() -> dict[str, Case]:
    """Every shipped scenario by its id."""
    found, faults = cases((LIBRARY,))
    if faults:
        raise ValueError(str(faults[0]))
    return {case.id: case for case in found}


def detects_in_time(case: Case, mutant: ScenarioMutant) -> bool:
    """Whether a scenario detects a mutant within `LIMIT`."""

    def stop(_: int, __: FrameType | None) -> None:
        raise TimeLimitError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LIMIT, 1)  # repeated, because a callback may swallow the exception
    try:
        return detects(case, mutant)
    except TimeLimitError:
        return False
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@dataclass(frozen=True, slots=True)
class SearchTask:
    """Pairs to try in this order, until `enough` of them are found."""

    pairs: tuple[Pair, ...]
    enough: int


def _run_task(task: SearchTask) -> tuple[Pair, ...]:
    found: list[Pair] = []
    for case, name in task.pairs:
        mutant = all_mutants()[name]
        if mutant.concerns(library()[case]) and detects_in_time(library()[case], mutant):
            found.append((case, name))
            if len(found) == task.enough:
                break
    return tuple(found)


@dataclass
class CoverageSearch:
    """The mutants found so far for each scenario, the most specific first."""

    found: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def run(self, workers: int, known: Iterable[Pair] = ()) -> Iterator[str]:
        """Try the pairs in `known`, then search for what they leave open. Yields one line of progress for each task."""
        still = [pair for pair in known if pair[0] in library() and pair[1] in all_mutants()]
        yield from self._run([SearchTask((pair,), 1) for pair in still], workers)
        files = {case.stem: case.id for case in reversed(library().values())}
        names = sorted(all_mutants(), key=unspecificity)
        covered = {library()[case].stem for case, found in self.found.items() if found}
        first = [case for stem, case in files.items() if stem not in covered]
        yield from self._run([SearchTask(tuple(product([case], names)), ENOUGH) for case in first], workers)
        rest = self.ineffective()
        yield from self._run(
            [SearchTask(tuple(product([case], self._near(case))), 1) for case in rest], workers
        )
        order = sorted(library(), key=lambda case: (case not in files.values(), len(library()[case].steps)))
        missing = [SearchTask(tuple(product(order, [name])), 1) for name in self.undetected()]
        yield from self._run(missing, workers)

    def undetected(self) -> list[str]:
        """The mutants that no scenario has detected."""
        seen = {name for names in self.found.values() for name in names}
        return [name for name in all_mutants() if name not in seen]

    def ineffective(self) -> list[str]:
        """The scenarios that have detected no mutant."""
        return [case for case in library() if not self.found.get(case)]

    def _near(self, case: str) -> list[str]:
        """All mutants; those that other scenarios of the same file detect come first."""
        stem = library()[case].stem
        near = {name for other, seen in self.found.items() if library()[other].stem == stem for name in seen}
        return sorted(all_mutants(), key=lambda name: (name not in near, unspecificity(name)))

    def _run(self, tasks: Iterable[SearchTask], workers: int) -> Iterator[str]:
        for task, found in run_all(tasks, _run_task, workers, TASK_LIMIT):
            for case, name in found or ():
                names = {*self.found.get(case, ()), name}
                self.found[case] = tuple(sorted(names, key=lambda name: (unspecificity(name), name)))
            yield f"{task.pairs[0]}: {found}"


def pairs() -> tuple[Pair, ...]:
    """The recorded pairs; none without the file."""
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    return tuple((case, mutant) for case, _, mutant in (line.partition("\t") for line in lines))


def to_text(found: Mapping[str, Sequence[str]]) -> str:
    """The content of the file: each scenario with its most specific mutant, and one scenario for each other mutant."""
    kept = {(case, names[0]) for case, names in found.items() if names}
    for case, names in sorted(found.items()):
        kept |= {(case, name) for name in names if name not in {mutant for _, mutant in kept}}
    return "".join(f"{case}\t{name}\n" for case, name in sorted(kept))
