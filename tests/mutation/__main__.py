"""`python -m tests.mutation [inside|outside] [PATH…]`: mutate what decides, and count what the tests notice.

Run from the project's folder; `inside` takes the mutants inside of functions alone, `outside` the others alone.
Prints each survivor and a score by file; exits with 1 below 95 percent.
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
from hypothesis import HealthCheck, Phase, settings

from tests.mutation import cold
from tests.mutation.hot import HotLoop
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.workers import Result, run_all

TARGETS: Final = ("agent/verification/*.py", "agent/sealing.py", "agent/adapters/tuf_*.py")
TESTS: Final = {
    "agent/verification": ("tests/unit/agent/verification",),
    "agent/sealing.py": ("tests/unit/agent/test_sealing*.py",),
    "agent/adapters": ("tests/unit/agent/adapters/test_tuf*.py",),
}
"""By where a mutant is: the tests that have to notice it, quick ones first."""

STAGES: Final = ("outside", "inside")
CLOSER: Final = {"agent/verification": ("tests/properties/verification",)}
"""Slower tests, for what the quick ones let through."""

PASSED: Final = 0.95


class Score:
    """What became of the mutants so far."""

    def __init__(self) -> None:
        self.killed: Counter[Path] = Counter()
        self.survivors: list[Mutant] = []

    def add(self, result: Result) -> None:
        """Count one."""
        if result.killer:
            self.killed[result.mutant.path] += 1
        else:
            self.survivors.append(result.mutant)
            say(f"survived: {result.mutant}")
        done = self.killed.total() + len(self.survivors)
        if done % 50 == 0:
            say(f"{done} done, {len(self.survivors)} survived")

    def print(self) -> float:
        """By file and in all. Returns the share that was noticed."""
        survived = Counter(mutant.path for mutant in self.survivors)
        for path in sorted(self.killed.keys() | survived.keys()):
            say(f"{path}: {self.killed[path]} of {self.killed[path] + survived[path]}")
        killed, every = self.killed.total(), self.killed.total() + survived.total()
        say(f"{killed} of {every} mutants noticed: {killed / every:.1%}")
        return killed / every


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Mutate what `arguments` name, or everything."""
    stages = [word for word in arguments if word in STAGES] or STAGES
    paths = [word for word in arguments if word not in STAGES]
    settings.register_profile(
        "mutation",
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=30,
        phases=[Phase.explicit, Phase.generate],  # a failure is enough; the smallest one is not asked for
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutation")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    found = [path for glob in TARGETS for path in sorted(Path().glob(glob))]
    every = [each for path in found if not paths or str(path) in paths for each in mutants(path)]
    score, jobs = Score(), os.cpu_count() or 1
    if "outside" in stages:
        _run_cold([each for each in every if each.function is None], score.add, jobs)
    if "inside" in stages:
        _run_hot([each for each in every if each.function], score.add, jobs)
    return 0 if score.print() >= PASSED else 1


def _run_cold(todo: list[Mutant], report: Callable[[Result], None], jobs: int) -> None:
    """First, because nothing of the project may have been imported yet."""
    cold.preload()
    for place in TESTS:
        here = [each for each in todo if str(each.path).startswith(place)]
        arguments = [*_options(), *_files(place)]
        if here:
            _check_unchanged(arguments)
        for result in run_all(here, partial(cold.kill, arguments=arguments), jobs):
            report(result)


def _check_unchanged(arguments: list[str]) -> None:
    """A test that fails without any change would count every mutant as noticed."""
    unchanged = subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False, capture_output=True)
    if unchanged.returncode:
        sys.exit(f"the tests fail on the code as it is:\n{unchanged.stdout.decode()[-2000:]}")


def _run_hot(todo: list[Mutant], report: Callable[[Result], None], jobs: int) -> None:
    for place in TESTS:
        here = [each for each in todo if str(each.path).startswith(place)]
        if here:
            survivors = _tried(here, place, report, jobs)
            task = partial(cold.kill_apart, arguments=[*_options(), *_files(place), *CLOSER.get(place, ())])
            for result in run_all(survivors, task, jobs):
                report(result)


def _tried(todo: list[Mutant], place: str, report: Callable[[Result], None], jobs: int) -> list[Mutant]:
    """Report what was noticed; return the rest, for a closer look."""
    survivors: list[Mutant] = []

    def sift(result: Result) -> None:
        if result.killer:
            report(result)
        else:
            survivors.append(result.mutant)

    status = pytest.main([*_options(), *_files(place)], plugins=[HotLoop(todo, jobs, sift)])
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
        "tests/mutation/pytest.ini",
        "--rootdir",
        ".",
    ]


def _files(place: str) -> list[str]:
    return [str(path) for glob in TESTS[place] for path in sorted(Path().glob(glob))]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
