"""Mutants tried in a new import of the project, with one file changed.

For mutants outside functions (tables and constants), and again for those inside functions that survived: objects that
tests create during collection then come from the mutant too. `python -m tools.mutation.cold FILE NUMBER TEST…`
tries one in its own interpreter.
"""

import contextlib
import importlib
import subprocess
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from tools.mutation.mutants import Mutant, mutants

PRELOADED: Final = (
    "cryptography.x509",
    "hypothesis.strategies",
    "pydantic",
    "requests",
    "tuf.ngclient",
    "tuf.repository",
    "sqlalchemy",
    "fastapi",
    "joserfc.jws",
    "structlog",
)
"""Third-party modules that each fork would import otherwise."""


def preload() -> None:
    """Import the third-party modules."""
    for name in PRELOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


class _MutantLoader(MetaPathFinder, Loader):
    """Import hook that loads the mutant instead of one module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._name = ".".join(mutant.path.with_suffix("").parts)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Only for that module."""
        if fullname != self._name:
            return None
        return spec_from_loader(fullname, self, origin=str(self._mutant.path))

    def exec_module(self, module: ModuleType) -> None:
        """Execute the mutant."""
        module.__file__ = str(self._mutant.path.resolve())
        exec(self._mutant.code(), module.__dict__)


class _FirstFailure:
    """Pytest plugin that keeps the first failure."""

    def __init__(self) -> None:
        self.failure = ""

    def pytest_runtest_logreport(self, report: pytest.CollectReport | pytest.TestReport) -> None:
        if report.failed:
            self.failure = self.failure or report.nodeid

    pytest_collectreport = pytest_runtest_logreport


def kill(mutant: Mutant, arguments: list[str]) -> str:
    """Called in the fork. Returns the first failed test, or "" if all pass."""
    sys.meta_path.insert(0, _MutantLoader(mutant))
    first = _FirstFailure()
    status = pytest.main(["-x", *arguments], plugins=[first])
    if status is pytest.ExitCode.OK:
        return ""
    return first.failure or f"pytest ended with {status}"


def kill_in_new_interpreter(mutant: Mutant, arguments: list[str]) -> str:
    """Like `kill`, in a new interpreter."""
    number = list(mutants(mutant.path)).index(mutant)
    command = [sys.executable, "-m", "tools.mutation.cold", str(mutant.path), str(number), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.rpartition("killer:")[2].strip()


if __name__ == "__main__":
    _, file, place, *tests = sys.argv
    print(f"\nkiller: {kill(list(mutants(Path(file)))[int(place)], tests)}")
