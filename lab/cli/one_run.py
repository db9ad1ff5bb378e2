"""What `activation run` does: collect, run, tell, and end with a code that means something."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from lab.cli import output
from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.engine.runner import Plan, run_all
from lab.scenario.files.discovery import cases
from lab.scenario.files.errors import ScenarioError
from lab.scenario.files.reader import SUFFIX
from lab.scenario.output import Report
from lab.scenario.output.explain import explain, skipped
from lab.scenario.output.junit import Suite

_MARKS: Final = {
    Status.PASSED: "passed",
    Status.FAILED: "FAILED",
    Status.ERROR: "ERROR",
    Status.SKIPPED: "skipped",
    Status.INTERNAL_ERROR: "CRASHED",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user of the command asked for."""

    paths: tuple[Path, ...]
    only: str | None
    junit: Path | None
    html: Path | None
    json: bool


def execute(wish: Wish, plan: Plan) -> None:
    """Run and tell. Stops with an exit code unless everything passed."""
    found, faults = cases(wish.paths, wish.only)
    _check_files(wish)
    for fault in faults:
        typer.echo("\n".join(fault.lines()), err=True)
    if not found and not faults:
        output.exit_with_error(f"no scenario is called {wish.only!r}; leave out --only to see their ids")
    results = run_all(found, plan)
    if wish.json or not sys.stdout.isatty():  # on a terminal the lines are the progress
        results = output.progress(results, "scenarios", len(found))
    counts = _tell(_written(results, wish, faults), faults, as_json=wish.json)
    if faults:
        raise typer.Exit(output.USAGE)
    if counts[Status.INTERNAL_ERROR]:
        raise typer.Exit(output.OUTSIDE)
    if counts[Status.FAILED] or counts[Status.ERROR]:
        raise typer.Exit(output.NOT_IN_ORDER)


def _check_files(wish: Wish) -> None:
    """Before long work: where results go can be written, and is nothing that anybody would miss."""
    named = [file for file in (wish.junit, wish.html) if file is not None]
    if len(named) == 2 and named[0].resolve() == named[1].resolve():
        output.exit_with_error("--junit and --html name one file; name two")
    for file in named:
        if file.name.endswith(SUFFIX):
            output.exit_with_error(
                f"{file} is a scenario file by its name; name another one for what is written"
            )
        output.check_writable(file)


def _written(
    results: Iterable[ScenarioResult], wish: Wish, faults: Sequence[ScenarioError]
) -> Iterator[ScenarioResult]:
    """The results as they come. None is kept: the files take what they need, and are written after the last."""
    suite = Suite() if wish.junit else None
    report = Report() if wish.html else None
    for result in results:
        if suite is not None:
            suite.add(result)
        if report is not None:
            report.add(result)
        yield result
    if suite is not None and wish.junit is not None:
        output.write(wish.junit, suite.document(faults))
    if report is not None and wish.html is not None:
        output.write(wish.html, report.html(faults))


def _tell(
    results: Iterator[ScenarioResult], faults: Sequence[ScenarioError], *, as_json: bool
) -> Counter[Status]:
    counts: Counter[Status] = Counter()
    explained: list[str] = []
    separator = "[\n"
    for result in results:
        counts[result.status] += 1
        if as_json:
            sys.stdout.write(separator + json.dumps(result.as_json(), ensure_ascii=False))
            separator = ",\n"
            continue
        why = f": {skipped(result)}" if result.status is Status.SKIPPED else ""
        typer.echo(f"{_MARKS[result.status]:<8}{result.id}{why}")
        if result.status not in (Status.PASSED, Status.SKIPPED):
            explained.append(explain(result))
    if as_json:
        sys.stdout.write("\n]\n" if counts else "[]\n")
    else:
        _sum_up(explained, counts, faults)
    return counts


def _sum_up(explained: Sequence[str], counts: Counter[Status], faults: Sequence[ScenarioError]) -> None:
    for text in explained:
        typer.echo("\n" + text)
    told = [f"{counts[status]} {status}" for status in Status if counts[status]]
    told += [f"{len(faults)} {'file' if len(faults) == 1 else 'files'} not usable"] if faults else []
    typer.echo("\n" + ", ".join(told))
