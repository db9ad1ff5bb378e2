"""`python -m tools.mutation [inside|outside] [PATH…]`: mutate the security core, and count detected mutants.

Run from the project's folder. `inside` selects the mutants inside functions, `outside` the others.
Prints each survivor and a score by file. Exit code 1 below 95 percent.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tools.mutation import cold
from tools.mutation.hot import CPU_SECONDS, HotLoop
from tools.mutation.mutants import Mutant, mutants
from tools.workers import run_all

TARGETS: Final = ("agent/verification/*.py", "agent/sealing.py", "agent/adapters/tuf_*.py")
TESTS: Final = {
    "agent/verification": ("tests/unit/agent/verification",),
    "agent/sealing.py": ("tests/unit/agent/test_sealing*.py",),
    "agent/adapters": ("tests/unit/agent/adapters/test_tuf*.py",),
}
"""The tests that must detect a mutant, by the file of the mutant; fast ones first."""

OPTIONS: Final = (
    *("-q", "--no-header", "-p", "no:cacheprovider"),
    *("-c", "tools/mutation/pytest.ini", "--rootdir", "."),
)
PARTS: Final = ("outside", "inside")
SLOW_TESTS: Final = {"agent/verification": ("tests/properties/verification",)}
"""Tests for the mutants that survive the fast ones."""

PASSED: Final = 0.95

Report = Callable[[Mutant, str | None], None]
"""Called with each mutant and the test that detected it: "" for none, None if the process crashed or took too long."""


class Score:
    """The results so far."""

    def __init__(self) -> None:
        self.killed: Counter[Path] = Counter()
        self.survived: Counter[Path] = Counter()

    def add(self, mutant: Mutant, killer: str | None) -> None:
        """Count one result."""
        survived = killer == ""
        (self.survived if survived else self.killed)[mutant.path] += 1
        if survived:
            print(f"survived: {mutant}", flush=True)
        done = self.killed.total() + self.survived.total()
        if done % 50 == 0:
            print(f"{done} done, {self.survived.total()} survived", flush=True)

    def print(self) -> float:
        """Print the results by file and in total. Returns the share of detected mutants."""
        every = self.killed + self.survived
        for path in sorted(every):
            print(f"{path}: {self.killed[path]} of {every[path]}")
        share = self.killed.total() / every.total()
        print(f"{self.killed.total()} of {every.total()} mutants detected: {share:.1%}")
        return share


def main(arguments: list[str]) -> int:
    """Mutate the named files, or all. Returns the exit code."""
    parts = [word for word in arguments if word in PARTS] or PARTS
    paths = [word for word in arguments if word not in PARTS]
    os.environ["TEST_PROFILE"] = "mutation"
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    found = [path for glob in TARGETS for path in sorted(Path().glob(glob))]
    every = [each for path in found if not paths or str(path) in paths for each in mutants(path)]
    score, jobs = Score(), os.cpu_count() or 1
    if "outside" in parts:
        _run_cold([each for each in every if each.function is None], score.add, jobs)
    if "inside" in parts:
        _run_hot([each for each in every if each.function], score.add, jobs)
    return 0 if score.print() >= PASSED else 1


def _run_cold(todo: list[Mutant], report: Report, jobs: int) -> None:
    """Must run first: no module of the project may have been imported."""
    cold.preload()
    for place, here in _by_place(todo):
        arguments = [*OPTIONS, *_files(place)]
        unchanged = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments], check=False, capture_output=True
        )
        if unchanged.returncode:  # every mutant would count as detected
            sys.exit(f"the tests fail without a mutant:\n{unchanged.stdout.decode()[-2000:]}")
        for mutant, killer in run_all(here, partial(cold.kill, arguments=arguments), jobs, CPU_SECONDS):
            report(mutant, killer)


def _run_hot(todo: list[Mutant], report: Report, jobs: int) -> None:
    """Try each mutant with the fast tests, and the survivors in a new interpreter with the slow ones too."""
    for place, here in _by_place(todo):
        survivors: list[Mutant] = []

        def sort_result(mutant: Mutant, killer: str | None, survivors: list[Mutant] = survivors) -> None:
            if killer == "":
                survivors.append(mutant)
            else:
                report(mutant, killer)

        files = _files(place)
        status = pytest.main([*OPTIONS, *files], plugins=[HotLoop(here, jobs, sort_result)])
        if status is not pytest.ExitCode.OK:
            sys.exit(f"pytest ended with {status!r}")
        arguments = [*OPTIONS, *files, *SLOW_TESTS.get(place, ())]
        kill = partial(cold.kill_in_new_interpreter, arguments=arguments)
        for mutant, killer in run_all(survivors, kill, jobs, CPU_SECONDS):
            report(mutant, killer)


def _by_place(todo: list[Mutant]) -> Iterator[tuple[str, list[Mutant]]]:
    for place in TESTS:
        if here := [each for each in todo if str(each.path).startswith(place)]:
            yield place, here


def _files(place: str) -> list[str]:
    return [str(path) for glob in TESTS[place] for path in sorted(Path().glob(glob))]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
