"""Mutants inside functions: the tests are collected once, and each fork replaces the code of one function.

A pytest plugin that replaces the loop that runs the tests.
"""

import importlib
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from types import FrameType, FunctionType
from typing import Any, Final

import pytest
from _pytest.runner import runtestprotocol

from tools.mutation.mutants import Mutant
from tools.workers import run_all

CPU_SECONDS: Final = 90
"""The limit of one mutant: an endless loop counts as detected."""

Function = tuple[str, str]
"""File and qualified name."""


class HotLoop:
    """Runs each mutant against the tests that enter its function."""

    def __init__(
        self, mutants: list[Mutant], jobs: int, report: Callable[[Mutant, str | None], None]
    ) -> None:
        self._mutants, self._jobs, self._report = mutants, jobs, report
        self._files = {str(mutant.path.resolve()) for mutant in mutants}
        self._killed: Counter[tuple[str | None, str]] = Counter()
        self._items: dict[str, pytest.Item] = {}
        self._reaching: dict[Function, list[str]] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests once without a mutant, then each mutant."""
        self._items = {item.nodeid: item for item in session.items}
        self._reaching = self._reached()
        for mutant, killer in run_all(self._mutants, self._kill, self._jobs, CPU_SECONDS):
            self._killed[mutant.function, killer or ""] += 1
            self._report(mutant, killer)
        return True

    def _reached(self) -> dict[Function, list[str]]:
        """The tests that enter each function. Raises `UsageError` if a test fails."""
        reaching: dict[Function, list[str]] = defaultdict(list)
        for nodeid, item in self._items.items():
            entered: set[Function] = set()

            def note(frame: FrameType, event: str, _: Any, entered: set[Function] = entered) -> None:
                code = frame.f_code
                if event == "call" and code.co_filename in self._files:
                    entered.add((code.co_filename, code.co_qualname.partition(".<locals>")[0]))

            sys.setprofile(note)
            failed = _fails(item)
            sys.setprofile(None)
            if failed:
                raise pytest.UsageError(f"{nodeid} fails without a mutant")
            for function in entered:
                reaching[function].append(nodeid)
        return reaching

    def _kill(self, mutant: Mutant) -> str:
        """Called in the fork. Returns the first failed test, or "".

        Tests that detected other mutants of the function run first.
        """
        replace_code(mutant)
        nodes = self._reaching.get((str(mutant.path.resolve()), str(mutant.function)), [])
        for nodeid in sorted(nodes, key=lambda node: -self._killed[mutant.function, node]):
            if _fails(self._items[nodeid]):
                return nodeid
        return ""


def _fails(item: pytest.Item) -> bool:
    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def replace_code(mutant: Mutant) -> None:
    """Replace the code of the function by that of the mutant."""
    name = ".".join(mutant.path.with_suffix("").parts)
    function = function_of(importlib.import_module(name), str(mutant.function))
    # A mutant without its call of super() no longer needs the class, which the function still carries.
    function.__code__ = mutant.function_code().replace(co_freevars=function.__code__.co_freevars)


def function_of(module: Any, qualname: str) -> FunctionType:
    """The function of that name, without its decorators."""
    found = module
    for part in qualname.split("."):
        found = vars(found)[part]
    for attribute in ("fget", "__func__", "func", "__wrapped__"):
        found = getattr(found, attribute, found)
    if not isinstance(found, FunctionType):
        raise TypeError(f"{qualname} is not a function")
    return found
