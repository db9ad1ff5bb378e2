"""Mutants tried on a project that is imported anew, with one file changed.

For mutants outside of functions, in tables and constants, and once more for those inside that nothing noticed: what
tests make when they are collected is then made by the mutant too. `python -m tests.mutation.cold FILE NUMBER TEST…`
tries one in an interpreter of its own.
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

from tests.mutation.mutants import Mutant, mutants

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
"""What every fork would import otherwise; nothing of it is the project's."""


def preload() -> None:
    """Import what does not change."""
    for name in PRELOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


class _Changed(MetaPathFinder, Loader):
    """Finds one module, and executes the mutant in its place."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._name = ".".join(mutant.path.with_suffix("").parts)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's, and no other's."""
        if fullname != self._name:
            return None
        return spec_from_loader(fullname, self, origin=str(self._mutant.path))

    def exec_module(self, module: ModuleType) -> None:
        """Run the mutant's code."""
        module.__file__ = str(self._mutant.path.resolve())
        exec(self._mutant.code(), module.__dict__)


class _First:
    """Notes the first failure."""

    def __init__(self) -> None:
        self.failure = ""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failure = self.failure or report.nodeid

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failure = self.failure or report.nodeid


def kill(mutant: Mutant, arguments: list[str]) -> str:
    """In the fork: the first test that fails, or ""."""
    sys.meta_path.insert(0, _Changed(mutant))
    first = _First()
    status = pytest.main(["-x", *arguments], plugins=[first])
    if status is pytest.ExitCode.OK:
        return ""
    return first.failure or f"pytest ended with {status}"


def kill_apart(mutant: Mutant, arguments: list[str]) -> str:
    """Like `kill`, in an interpreter that has not imported anything yet."""
    number = list(mutants(mutant.path)).index(mutant)
    command = [sys.executable, "-m", "tests.mutation.cold", str(mutant.path), str(number), *arguments]
    return (
        subprocess.run(command, check=True, capture_output=True, text=True)
        .stdout.rpartition("killer:")[2]
        .strip()
    )


def main(arguments: list[str]) -> None:
    """Try one, and print its killer."""
    path, number, *tests = arguments
    killer = kill(list(mutants(Path(path)))[int(number)], tests)
    sys.stdout.write(f"\nkiller: {killer}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
