"""Looking for witnesses: which scenario notices which break."""

import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from types import FrameType
from typing import Final

from lab.scenario.files.discovery import cases
from lab.scenario.files.reader import Case
from tests.scenarios.breaks import Break, all_breaks, notices

LIBRARY: Final = Path("scenarios")
ENOUGH: Final = 4
"""So many breaks are looked for that one scenario of each file notices."""

ANYBODY_NOTICES: Final = (
    "booted",
    "language-chosen",
    "terms-accepted",
    "connected",
    "collected",
    "challenged",
    "allowed",
    "leaves out",
    "every verdict for",
    "decides",
    "knows nobody",
    "sets no offline limit",
    "no image boots",
    "step power-on",
    "step set-up",
)
"""Words in the names of breaks under which hardly anything works any more: to notice one of them says little."""

Pair = tuple[str, str]
"""The id of a scenario, and the name of a break."""

PATIENCE: Final = 6
"""Seconds. A broken world may go round in circles; that is no way to notice."""


class CirclesError(BaseException):
    """It takes too long. Nothing that is under test may catch it."""


def says_little(name: str) -> int:
    """How little it says of a scenario that it notices this break: 0 for the most, 2 for the least."""
    if any(words in name for words in ANYBODY_NOTICES):
        return 2
    return 1 if name.startswith("world: the ") else 0


@cache
def library() -> dict[str, Case]:
    """Every shipped scenario by its id."""
    found, faults = cases((LIBRARY,))
    if faults:
        raise ValueError(str(faults[0]))
    return {case.id: case for case in found}


def noticed_in_time(case: Case, broken: Break) -> bool:
    """Whether a scenario notices a break within reason."""

    def stop(_: int, __: FrameType | None) -> None:
        raise CirclesError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE, 1)  # again and again, for a callback may swallow it
    try:
        return notices(case, broken)
    except CirclesError:
        return False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass(frozen=True, slots=True)
class Trial:
    """Pairs to be tried in this order, until `enough` of them are found."""

    pairs: tuple[Pair, ...]
    enough: int


def _tried(trial: Trial) -> tuple[Pair, ...]:
    found: list[Pair] = []
    for case, name in trial.pairs:
        broken = all_breaks()[name]
        if broken.concerns(library()[case]) and noticed_in_time(library()[case], broken):
            found.append((case, name))
            if len(found) == trial.enough:
                break
    return tuple(found)


@dataclass
class Search:
    """What has been found so far: for each scenario breaks that it notices, those that say most first."""

    found: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def run(self, workers: int, known: Iterable[Pair] = ()) -> Iterator[str]:
        """Search, and tell how it goes. What is `known` is heard again first, and what it leaves is looked for."""
        still = [pair for pair in known if pair[0] in library() and pair[1] in all_breaks()]
        yield from self._try([Trial((pair,), 1) for pair in still], workers)
        files = {case.stem: case.id for case in reversed(library().values())}
        names = sorted(all_breaks(), key=says_little)
        first = [case for stem, case in files.items() if not self._heard(stem)]
        yield from self._try([Trial(tuple(product([case], names)), ENOUGH) for case in first], workers)
        rest = self.blind()
        yield from self._try([Trial(tuple(product([case], self._near(case))), 1) for case in rest], workers)
        everybody = sorted(
            library(), key=lambda case: (case not in files.values(), len(library()[case].steps))
        )
        missing = [Trial(tuple(product(everybody, [name])), 1) for name in self.unnoticed()]
        yield from self._try(missing, workers)

    def _heard(self, stem: str) -> bool:
        """Whether a scenario of this file has noticed anything."""
        return any(names for case, names in self.found.items() if library()[case].stem == stem)

    def unnoticed(self) -> list[str]:
        """The breaks that no scenario has noticed."""
        seen = {name for names in self.found.values() for name in names}
        return [name for name in all_breaks() if name not in seen]

    def blind(self) -> list[str]:
        """The scenarios that have noticed nothing."""
        return [case for case in library() if not self.found.get(case)]

    def _near(self, case: str) -> list[str]:
        """What other scenarios of the same file notice comes first."""
        stem = library()[case].stem
        near = {name for other, seen in self.found.items() if library()[other].stem == stem for name in seen}
        return sorted(all_breaks(), key=lambda name: (name not in near, says_little(name)))

    def _try(self, trials: Sequence[Trial], workers: int) -> Iterator[str]:
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        try:
            for trial, found in zip(trials, pool.map(_tried, trials), strict=True):
                self.found.setdefault(trial.pairs[0][0], ())
                for case, name in found:
                    self.found[case] = (*self.found.get(case, ()), name)
                yield f"{trial.pairs[0]}: {found}"
        finally:
            pool.shutdown(cancel_futures=True)
