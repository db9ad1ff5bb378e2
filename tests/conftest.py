"""The Hypothesis profile, interrupts, samples of expensive tests, and a summary of the tests that did not run."""

import gc
import signal
from collections import Counter
from typing import Any

import pytest
import rich.style  # noqa: F401 - draws a random number; Hypothesis would import what is deferred inside a strategy

from tests.support import profiles

profiles.load()
# A job in the background of a shell ignores SIGINT, and so would the processes that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

_LEFT_OUT = pytest.StashKey[int]()


@pytest.hookimpl(tryfirst=True)  # before the selection by markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test marked `sample(n)`, mark all cases but every n-th as slow."""
    cases: Counter[str] = Counter()
    for item in items:
        if mark := item.get_closest_marker("sample"):
            test = item.nodeid.partition("[")[0]
            if cases[test] % mark.args[0]:
                item.add_marker("slow")
            cases[test] += 1


def pytest_collection_finish() -> None:
    """Let garbage collection ignore the objects of the collection: 6 % less processor time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


def pytest_deselected(items: list[pytest.Item]) -> None:
    if items:
        stash = items[0].config.stash
        stash[_LEFT_OUT] = stash.get(_LEFT_OUT, 0) + len(items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist reports its number; each worker collects all tests, so all report the same."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(_LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[_LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in reports)
    for reason, number in reasons.most_common():
        terminalreporter.write_line(f"{number} tests skipped: {reason}")
    number, expression = config.stash.get(_LEFT_OUT, 0), config.getoption("-m")
    if number and expression:
        terminalreporter.write_line(f'{number} tests left out by -m "{expression}"; `make test-all` runs all')
