"""`python -m tools.mutation [inside|outside] [PATH…]`: mutate the security core, and count detected mutants.

Run from the project's folder. `inside` selects the mutants inside functions, `outside` the others.
Prints each survivor and a score by file. Exit code 1 below 95 percent.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tools.mutation import cold
from tools.mutation.hot import HotLoop
from tools.mutation.mutants import Mutant, mutants
from tools.mutation.workers import MutantRun, run_all

TARGETS: Final = ("agent/verification/*.py", "agent/sealing.py", "agent/adapters/tuf_*.py")
TESTS: Final = {
    "agent/verification": ("tests/unit/agent/verification",),
    "agent/sealing.py": ("tests/unit/agent/test_sealing*.py",),
    "agent/adapters": ("tests/unit/agent/adapters/test_tuf*.py",),
}
"""The tests that must detect a mutant, by the file of the mutant; fast ones first."""

PARTS: Final = ("outside", "inside")
SLOW_TESTS: Final = {"agent/verification": ("tests/properties/verification",)}
"""Tests for the mutants that survive the fast ones."""

PASSED: Final = 0.95


class Score:
    """The results so far."""

    def __init__(self) -> None:
        self.killed: Counter[Path] = Counter()
        self.survivors: list[Mutant] = []

    def add(self, result: MutantRun) -> None:
        """Count one result."""
        if result.killer:
            self.killed[result.mutant.path] += 1
        else:
            self.survivors.append(result.mutant)
            say(f"survived: {result.mutant}")
        done = self.killed.total() + len(self.survivors)
        if done % 50 == 0:
            say(f"{done} done, {len(self.survivors)} survived")

    def print(self) -> float:
        """Print the results by file and in total. Returns the share of detected mutants."""
        survived = Counter(mutant.path for mutant in self.survivors)
        for path in sorted(self.killed.keys() | survived.keys()):
            say(f"{path}: {self.killed[path]} of {self.killed[path] + survived[path]}")
        killed, every = self.killed.total(), self.killed.total() + survived.total()
        say(f"{killed} of {every} mutants detected: {killed / every:.1%}")
        return killed / every


def say(line: str) -> None:
    """Print one line, unbuffered."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


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


def _run_cold(todo: list[Mutant], report: Callable[[MutantRun], None], jobs: int) -> None:
    """Must run first: no module of the project may have been imported."""
    cold.preload()
    for place in TESTS:
        here = [each for each in todo if str(each.path).startswith(place)]
        arguments = [*_options(), *_files(place)]
        if here:
            _check_unchanged(arguments)
        for result in run_all(here, partial(cold.kill, arguments=arguments), jobs):
            report(result)


def _check_unchanged(arguments: list[str]) -> None:
    """Exit if a test fails without a mutant, since it would count every mutant as detected."""
    unchanged = subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False, capture_output=True)
    if unchanged.returncode:
        sys.exit(f"the tests fail without a mutant:\n{unchanged.stdout.decode()[-2000:]}")


def _run_hot(todo: list[Mutant], report: Callable[[MutantRun], None], jobs: int) -> None:
    for place in TESTS:
        here = [each for each in todo if str(each.path).startswith(place)]
        if here:
            survivors = _run_fast_tests(here, place, report, jobs)
            task = partial(
                cold.kill_in_new_interpreter,
                arguments=[*_options(), *_files(place), *SLOW_TESTS.get(place, ())],
            )
            for result in run_all(survivors, task, jobs):
                report(result)


def _run_fast_tests(
    todo: list[Mutant], place: str, report: Callable[[MutantRun], None], jobs: int
) -> list[Mutant]:
    """Report the detected mutants; return the survivors."""
    survivors: list[Mutant] = []

    def sort_result(result: MutantRun) -> None:
        if result.killer:
            report(result)
        else:
            survivors.append(result.mutant)

    status = pytest.main([*_options(), *_files(place)], plugins=[HotLoop(todo, jobs, sort_result)])
    if status is not pytest.ExitCode.OK:
        sys.exit(f"pytest ended with {status!r}")
    return survivors


def _options() -> list[str]:
    return [
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "-c",
        "tools/mutation/pytest.ini",
        "--rootdir",
        ".",
    ]


def _files(place: str) -> list[str]:
    return [str(path) for glob in TESTS[place] for path in sorted(Path().glob(glob))]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
