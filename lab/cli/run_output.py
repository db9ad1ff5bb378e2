"""What `activation run` prints: a line for each scenario and an explanation of each failure, or JSON."""

import sys
from collections import Counter
from typing import TYPE_CHECKING

from lab.cli import output
from lab.cli.lazy import deferred
from text_input.printable import json_text

with deferred():
    from lab.scenario.engine import result
    from lab.scenario.output import explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lab.scenario.engine.result import ScenarioResult, Status
    from lab.scenario.files.reader import Case


def print_json(results: "Iterator[ScenarioResult]") -> "Counter[Status]":
    """Print a list with the results. Returns their statuses."""
    counts: Counter[Status] = Counter()
    for each in results:
        sys.stdout.write(",\n" if counts else "[\n")
        counts[each.status] += 1
        sys.stdout.write(json_text(each.as_json()))
    sys.stdout.write("\n]\n" if counts else "[]\n")
    return counts


def print_text(results: "Iterator[ScenarioResult]") -> "Counter[Status]":
    """Print the results, with each failure explained when it occurs. Returns their statuses."""
    counts: Counter[Status] = Counter()
    status = result.Status
    marks = {status.FAILED: "FAILED", status.ERROR: "ERROR", status.INTERNAL_ERROR: "CRASHED"}
    marks[status.EXPECTED_FAILURE] = "xfailed"
    for each in results:
        counts[each.status] += 1
        why = f": {explain.reason(each)}" if each.status in (status.SKIPPED, status.EXPECTED_FAILURE) else ""
        output.say(f"{marks.get(each.status, each.status):<8}{each.id}{why}")
        if each.status in result.BAD:
            output.say(f"\n{explain.explain(each)}\n")
    return counts


def summary(counts: "Counter[Status]", unusable: int) -> str:
    """The line after the results."""
    sums = [f"{counts[each]} {each}" for each in result.Status if counts[each]]
    sums += [f"{unusable} {'file' if unusable == 1 else 'files'} not usable"] if unusable else []
    return ", ".join(sums)


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
        output.say(f"\n{len(found)} {'scenario' if len(found) == 1 else 'scenarios'}")
