"""Mutants inside of functions: the tests are collected once, and each fork exchanges the code of one function.

A pytest plugin: it takes the place of the loop that runs the tests.
"""

import importlib
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from types import FrameType, FunctionType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.mutants import Mutant
from tests.mutation.workers import Result, run_all

Function = tuple[str, str]
"""File and qualified name."""


class HotLoop:
    """Runs every mutant against the tests that reach its function."""

    def __init__(self, mutants: list[Mutant], jobs: int, report: Callable[[Result], None]) -> None:
        self._mutants, self._jobs, self._report = mutants, jobs, report
        self._files = {str(mutant.path.resolve()) for mutant in mutants}
        self._killed: Counter[tuple[str | None, str]] = Counter()
        self._items: dict[str, pytest.Item] = {}
        self._reaching: dict[Function, list[str]] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Once over the tests as they are, then over the mutants."""
        self._items = {item.nodeid: item for item in session.items}
        self._reaching = self._reached()
        for result in run_all(self._mutants, self._kill, self._jobs):
            self._killed[result.mutant.function, result.killer] += 1
            self._report(result)
        return True

    def _reached(self) -> dict[Function, list[str]]:
        """Which tests enter which function; every test must pass."""
        reaching: dict[Function, list[str]] = defaultdict(list)
        for nodeid, item in self._items.items():
            entered: set[Function] = set()
            sys.setprofile(self._watch(entered))
            failed = _fails(item)
            sys.setprofile(None)
            if failed:
                raise pytest.UsageError(f"{nodeid} fails without a mutant")
            for function in entered:
                reaching[function].append(nodeid)
        return reaching

    def _watch(self, entered: set[Function]) -> Callable[[FrameType, str, Any], None]:
        def note(frame: FrameType, event: str, _: Any) -> None:
            code = frame.f_code
            if event == "call" and code.co_filename in self._files:
                entered.add((code.co_filename, code.co_qualname.partition(".<locals>")[0]))

        return note

    def _kill(self, mutant: Mutant) -> str:
        """In the fork: the first test that fails, or "". Tests that killed neighbours go first."""
        exchange(mutant)
        nodes = self._reaching.get((str(mutant.path.resolve()), str(mutant.function)), [])
        for nodeid in sorted(nodes, key=lambda node: -self._killed[mutant.function, node]):
            if _fails(self._items[nodeid]):
                return nodeid
        return ""


def _fails(item: pytest.Item) -> bool:
    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def exchange(mutant: Mutant) -> None:
    """Give the function the mutant's code."""
    name = ".".join(mutant.path.with_suffix("").parts)
    function = function_of(importlib.import_module(name), str(mutant.function))
    # A mutant without its call of super() no longer needs the class, which the function still carries.
    function.__code__ = mutant.function_code().replace(co_freevars=function.__code__.co_freevars)


def function_of(module: Any, qualname: str) -> FunctionType:
    """The function of that name, under what its decorators made of it."""
    found = module
    for part in qualname.split("."):
        found = vars(found)[part]
    for attribute in ("fget", "__func__", "func", "__wrapped__"):
        found = getattr(found, attribute, found)
    if not isinstance(found, FunctionType):
        raise TypeError(f"{qualname} is no function")
    return found
