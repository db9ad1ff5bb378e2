"""What `activation run` prints: a line for each scenario and an explanation of each failure, or JSON."""

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, Final

from lab.cli import output
from lab.cli.lazy import deferred
from text_input.printable import counted, json_text

with deferred():
    from lab.scenario.engine import result
    from lab.scenario.output import explain

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from lab.scenario.files.reader import Case

_CLEAR: Final = "\r\x1b[K"
_BAR_CELLS: Final = 24


class ProgressBar:
    """A line on standard error, which must be a terminal: count, failures and time left of `total` scenarios."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._began = time.monotonic()

    def hide(self) -> None:
        """Remove the line, so that something else can be printed."""
        sys.stderr.write(_CLEAR)
        sys.stderr.flush()

    def show(self, done: int, failures: int) -> None:
        """Draw the line."""
        filled = _BAR_CELLS * done // max(1, self._total)
        left = (time.monotonic() - self._began) / done * (self._total - done) if done else None
        text = f"{'#' * filled}{'-' * (_BAR_CELLS - filled)} {done}/{self._total}, {failures} failed"
        if left is not None:
            text += f", {int(left) // 60}:{int(left) % 60:02} left"
        sys.stderr.write(_CLEAR + text[: shutil.get_terminal_size().columns - 1])
        sys.stderr.flush()

    @staticmethod
    def is_possible() -> bool:
        """Whether standard error can show it."""
        return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class JsonOutput:
    """Prints a list with the results."""

    def __init__(self) -> None:
        self._before = "[\n"

    def add(self, result: "result.ScenarioResult") -> None:
        """Print a result."""
        sys.stdout.write(self._before + json_text(result.as_json()))
        self._before = ",\n"

    def close(self) -> None:
        """Print the end of the list."""
        sys.stdout.write("[]\n" if self._before == "[\n" else "\n]\n")


def print_result(each: "result.ScenarioResult") -> None:
    """Print a line, and the explanation of a failure."""
    bad, reasoned = each.status in result.BAD, (result.Status.SKIPPED, result.Status.EXPECTED_FAILURE)
    why = f": {explain.reason(each)}" if each.status in reasoned else ""
    output.say(f"{each.status.upper() if bad else each.status:<7} {each.id}{why}")
    if bad:
        output.say(f"\n{explain.explain(each, shutil.get_terminal_size().columns)}\n")


def summary(counts: "Counter[result.Status]", unusable: int, overdrawn: int = 0) -> str:
    """The line after the results."""
    sums = [result.counts_text(counts)] if counts else []
    sums += [f"{counted(unusable, 'file')} not usable"] if unusable else []
    sums += [f"{overdrawn} over the budget of processor time"] if overdrawn else []
    return ", ".join(sums)


def exit_code(counts: "Counter[result.Status]") -> int:
    """The exit code of results: that of defects before that of failures."""
    if counts[result.Status.INTERNAL_ERROR]:
        return output.ENVIRONMENT
    return output.CHECK_FAILED if any(counts[status] for status in result.BAD) else 0


def print_list(cases: "Iterable[Case]", *, json: bool) -> None:
    """Print the scenarios with their tags and parameters, without running them."""
    found = list(cases)
    if json:
        output.as_json(
            [
                {
                    "id": case.id,
                    "file": case.file,
                    "name": case.scenario.name,
                    "tags": list(case.scenario.tags),
                    "parameters": dict(case.labels),
                    "skip": case.skip,
                    "expected_to_fail": case.expected_to_fail,
                }
                for case in found
            ]
        )
        return
    for case in found:
        output.say(f"{case.id}  {' '.join(f'#{tag}' for tag in case.scenario.tags)}".rstrip())
    if found:
        output.say(f"\n{counted(len(found), 'scenario')}")
