"""What `activation run` does: collect, run, tell, and end with a code that means something."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import typer

from lab.cli import say
from lab.scenario.collect import cases
from lab.scenario.errors import ScenarioError
from lab.scenario.junit import junit
from lab.scenario.result import ScenarioResult, Status
from lab.scenario.runner import Plan, run_all
from lab.scenario.telling import explain, skipped

_MARKS: Final = {
    Status.PASSED: "passed",
    Status.FAILED: "FAILED",
    Status.ERROR: "ERROR",
    Status.SKIPPED: "skipped",
}
_REPORT: Final = "lab.scenario.report"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user of the command asked for."""

    paths: tuple[Path, ...]
    only: str | None
    junit: Path | None
    html: Path | None
    json: bool


def carry_out(wish: Wish, plan: Plan) -> None:
    """Run and tell. Stops with an exit code unless everything passed."""
    try:
        found, faults = cases(wish.paths, wish.only)
    except ScenarioError as error:
        say.fail(str(error))
    for fault in faults:
        typer.echo("\n".join(fault.lines()), err=True)
    if not found and not faults:
        say.fail(f"no scenario is called {wish.only!r}; leave out --only to see their ids")
    results = list(say.progress(run_all(found, plan), "scenarios", len(found)))
    _write(wish, results, faults)
    if wish.json:
        say.as_json([result.as_json() for result in results])
    else:
        _tell(results, faults)
    if faults:
        raise typer.Exit(say.USAGE)
    if any(result.status in (Status.FAILED, Status.ERROR) for result in results):
        raise typer.Exit(say.NOT_IN_ORDER)


def _tell(results: Sequence[ScenarioResult], faults: Sequence[ScenarioError]) -> None:
    for result in results:
        why = f": {skipped(result)}" if result.status is Status.SKIPPED else ""
        typer.echo(f"{_MARKS[result.status]:<8}{result.id}{why}")
    for result in results:
        if result.status in (Status.FAILED, Status.ERROR):
            typer.echo("\n" + explain(result))
    count = Counter(result.status for result in results)
    told = [f"{count[status]} {status}" for status in Status if count[status]]
    told += [f"{len(faults)} {'file' if len(faults) == 1 else 'files'} not usable"] if faults else []
    typer.echo("\n" + ", ".join(told))


def _write(wish: Wish, results: Sequence[ScenarioResult], faults: Sequence[ScenarioError]) -> None:
    if wish.junit is not None:
        say.write(wish.junit, junit(results, faults))
    if wish.html is not None:
        if find_spec(_REPORT) is None:
            say.fail("this version writes no report; leave out --html")
        say.write(wish.html, import_module(_REPORT).render(results))
