"""`activation run`."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Json
from lab.scenario.files.errors import ScenarioError
from text_input.printable import json_text

with deferred():
    from lab.backend import hosts, http_host
    from lab.scenario.engine import result, runner
    from lab.scenario.files import discovery, reader
    from lab.scenario.output import explain, junit, page

if TYPE_CHECKING:
    from lab.scenario.engine.result import ScenarioResult, Status


def run(
    paths: Annotated[list[Path], typer.Argument(help="Scenario files, or folders with scenario files.")],
    workers: Annotated[int, typer.Option("--workers", "-n", min=1, max=64, help="Processes.")] = 1,
    junit_file: Annotated[
        Path | None, typer.Option("--junit", help="Write JUnit XML for a CI server.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the report as one self-contained HTML page.")
    ] = None,
    seed: Annotated[str, typer.Option(help="The same seed gives the same results, byte for byte.")] = "2021",
    only: Annotated[
        str | None, typer.Option(help="Run the scenarios with this id or combination; * and ? are wildcards.")
    ] = None,
    http: Annotated[bool, typer.Option("--http", help="Use real HTTP on this machine.")] = False,
    server: Annotated[str | None, typer.Option(help="Use the running server at this URL.")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="ACTIVATION_ADMIN_TOKEN", help="The admin token of that server.")
    ] = None,
    json: Json = False,
) -> None:
    """Run scenarios, and explain why scenarios failed.

    Exit code: 0 if all passed, 1 if one failed, 2 if a file cannot be used, 3 if this program or its environment
    failed in one (status `internal-error`, with a traceback), or if --server cannot be reached.

    \b
    Example:
      activation run scenarios -n 2 --junit scenarios.xml
    """
    if server is not None:
        _check_target(server, workers, http=http)
    _check_files([file for file in (junit_file, html) if file is not None])
    if server is not None:
        output.check_server(server)
    faults: list[ScenarioError] = []

    def report(fault: ScenarioError) -> None:
        faults.append(fault)
        output.say("\n".join(fault.lines()), err=True)

    host = http_host.HttpHost if http else hosts.InProcessHost
    plan = runner.Plan(seed, workers, host, server, token)
    cases = discovery.each_case(paths, only, report)
    if sys.stderr.isatty() and (json or not sys.stdout.isatty()):
        found = list(cases)
        results = output.progress(runner.run_all(found, plan), "scenarios", len(found))
    else:  # without a progress bar files are read when they are needed
        found = list(islice(cases, 1))
        results = runner.run_all(chain(found, cases), plan)
    if not found and not faults:
        output.exit_with_error(f"no scenario is called {only!r}; omit --only to see all ids")
    written = _write_files(results, faults, junit_file, html)
    counts = _print_json(written) if json else _print_text(written, faults)
    if server is not None:
        output.check_server(server)  # scenarios that were skipped prove nothing if it stopped meanwhile
    if faults:
        raise typer.Exit(output.USAGE)
    if counts[result.Status.INTERNAL_ERROR]:
        raise typer.Exit(output.ENVIRONMENT)
    if counts[result.Status.FAILED] or counts[result.Status.ERROR]:
        raise typer.Exit(output.CHECK_FAILED)


def _check_target(server: str, workers: int, *, http: bool) -> None:
    """Check that `server` is an origin, and that the other options fit it."""
    if http:
        output.exit_with_error("--http starts a server, --server uses a running one; give one of them")
    if workers > 1:
        output.exit_with_error("one server serves one scenario at a time; omit -n or --server")
    output.check_origin(server)


def _check_files(files: list[Path]) -> None:
    """Check before the run that the files can be written and that no scenario is overwritten."""
    if len(files) == 2 and files[0].resolve() == files[1].resolve():
        output.exit_with_error("--junit and --html name the same file; name two")
    for file in files:
        if file.name.endswith(reader.SUFFIX):
            output.exit_with_error(f"{file} has the name of a scenario file; choose another name")
        output.check_writable(file)


def _write_files(
    results: "Iterable[ScenarioResult]",
    faults: Sequence[ScenarioError],
    junit_file: Path | None,
    html: Path | None,
) -> "Iterator[ScenarioResult]":
    """The results, one by one and not stored. The files are written after the last one."""
    suite = junit.Suite() if junit_file else None
    report = page.Report() if html else None
    for each in results:
        if suite is not None:
            suite.add(each)
        if report is not None:
            report.add(each)
        yield each
    if suite is not None and junit_file is not None:
        output.write(junit_file, suite.document(faults))
    if report is not None and html is not None:
        output.write(html, report.html(faults))


def _print_json(results: "Iterator[ScenarioResult]") -> "Counter[Status]":
    counts: Counter[Status] = Counter()
    for each in results:
        sys.stdout.write(",\n" if counts else "[\n")
        counts[each.status] += 1
        sys.stdout.write(json_text(each.as_json()))
    sys.stdout.write("\n]\n" if counts else "[]\n")
    return counts


def _print_text(results: "Iterator[ScenarioResult]", faults: Sequence[ScenarioError]) -> "Counter[Status]":
    counts: Counter[Status] = Counter()
    status = result.Status
    marks = {status.FAILED: "FAILED", status.ERROR: "ERROR", status.INTERNAL_ERROR: "CRASHED"}
    explanations: list[str] = []
    for each in results:
        counts[each.status] += 1
        why = f": {explain.skipped(each)}" if each.status is status.SKIPPED else ""
        output.say(f"{marks.get(each.status, each.status):<8}{each.id}{why}")
        if each.status in marks:
            explanations.append(explain.explain(each))
    for text in explanations:
        output.say("\n" + text)
    sums = [f"{counts[each]} {each}" for each in status if counts[each]]
    sums += [f"{len(faults)} {'file' if len(faults) == 1 else 'files'} not usable"] if faults else []
    output.say("\n" + ", ".join(sums))
    return counts
