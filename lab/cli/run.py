"""`activation run`."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli import output, run_output, run_reports
from lab.cli.lazy import deferred
from lab.cli.options import Json
from lab.scenario.files.errors import ScenarioError

with deferred():
    from lab.backend import hosts, http_host
    from lab.scenario.engine import context, result, runner
    from lab.scenario.files import discovery, shards
    from lab.scenario.files import selection as selections
    from lab.scenario.output import run_root
    from lab.scenario.output import targets as report_targets

if TYPE_CHECKING:
    from lab.scenario.engine.result import ScenarioResult
    from lab.scenario.engine.runner import Plan
    from lab.scenario.files.reader import Case
    from lab.scenario.files.selection import Selection
    from lab.scenario.files.shards import Durations, Shard


def run(
    paths: Annotated[list[Path], typer.Argument(help="Scenario files, or folders with scenario files.")],
    workers: Annotated[int, typer.Option("--workers", "-n", min=1, max=64, help="Processes.")] = 1,
    junit_file: Annotated[
        Path | None, typer.Option("--junit", help="Write JUnit XML for a CI server.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the report as one self-contained HTML page.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Write report.json, report.html, junit.xml and timings.json into this folder."),
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Reports have the details of scenarios that passed, too.")
    ] = False,
    junit_times: Annotated[
        bool, typer.Option("--junit-times", help="JUnit XML has the real time of each scenario.")
    ] = False,
    commit: Annotated[
        str | None, typer.Option(help="The commit that reports name, by default that of the checkout.")
    ] = None,
    seed: Annotated[str, typer.Option(help="The same seed gives the same results, byte for byte.")] = "2021",
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run scenarios with this id, combination or file stem, such as '*place=havana*'."),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(help="Run scenarios with this tag, or another --tag; a+b requires both."),
    ] = None,
    not_tag: Annotated[list[str] | None, typer.Option(help="Leave out scenarios with this tag.")] = None,
    list_only: Annotated[
        bool, typer.Option("--list", help="List ids, tags and parameters; run nothing.")
    ] = False,
    enforce_time: Annotated[
        bool,
        typer.Option("--enforce-time", help="Fail scenarios that exceed their budget of processor time."),
    ] = False,
    shard: Annotated[
        str | None, typer.Option(help="Run one part of the scenarios: 2/7 is the second of seven.")
    ] = None,
    durations: Annotated[
        Path | None,
        typer.Option(
            help="Cut the parts by the times of an earlier run, its timings.json; by count without it."
        ),
    ] = None,
    http: Annotated[bool, typer.Option("--http", help="Use real HTTP on this machine.")] = False,
    screenshots: Annotated[Path, typer.Option(help="The folder of the step `screenshot`.")] = Path(
        "screenshots"
    ),
    update_golden: Annotated[
        bool, typer.Option("--update-golden", help="Write the files of the step `golden`.")
    ] = False,
    server: Annotated[str | None, typer.Option(help="Use the running server at this URL.")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="ACTIVATION_ADMIN_TOKEN", help="The admin token of that server.")
    ] = None,
    json: Json = False,
) -> None:
    """Run scenarios, and explain why scenarios failed.

    --only, --tag and --not-tag can be repeated: one --only and one --tag must match, and no --not-tag. * and ? are
    wildcards.

    With --shard each scenario is in exactly one part, on every host; `activation report merge` joins the reports.

    Exit code: 0 if all passed, 1 if one failed, 2 if a file cannot be used or a name matches nothing, 3 if this
    program or its environment failed in one (status `internal-error`, with a traceback), or if --server cannot be
    reached.

    \b
    Example:
      activation run scenarios -n 2 --tag lock --junit scenarios.xml
    """
    if server is not None:
        _check_target(server, http=http)
    cut = _cut(shard, durations)
    faults: list[ScenarioError] = []

    def report_fault(fault: ScenarioError) -> None:
        faults.append(fault)
        output.say("\n".join(fault.lines()), err=True)

    selection = selections.Selection(tuple(only or ()), tuple(tag or ()), tuple(not_tag or ()))
    cases = selection.select(discovery.each_case(paths, report_fault))
    part = None
    if cut is not None:
        found, root = list(cases), run_root.RunRoot.of(paths)
        part = shards.part(*cut, [(case.id, root.name(case.file)) for case in found])
        cases = iter([found[at] for at in part.positions])
    if list_only:
        run_output.print_list(cases, json=json)
        _check_selection(selection, faults)
        return
    targets = report_targets.ReportTargets(report, html, junit_file, junit_times)
    run_reports.check(targets)
    host = http_host.HttpHost if http else hosts.InProcessHost
    written_by_steps = context.OutputOptions(screenshots, update_golden)
    plan = runner.Plan(seed, workers, host, server, token, enforce_time, written_by_steps, details)
    _check_server(plan)
    results = _results(cases, plan, bar=sys.stderr.isatty() and (json or not sys.stdout.isatty()))
    with run_reports.RunReports(targets, paths, plan, commit, part) as written:
        results = written.added(results)
        counts = run_output.print_json(results) if json else run_output.print_text(results)
        written.close(faults)
    if not json and (counts or faults):
        output.say("\n" + run_output.summary(counts, len(faults)))
    if server is not None:
        output.check_server(server)  # scenarios that were skipped prove nothing if it stopped meanwhile
    _check_selection(selection, faults)
    if counts[result.Status.INTERNAL_ERROR]:
        raise typer.Exit(output.ENVIRONMENT)
    if any(counts[status] for status in result.BAD):
        raise typer.Exit(output.CHECK_FAILED)


def _cut(shard: str | None, durations: Path | None) -> "tuple[Shard, Durations] | None":
    """How to cut the scenarios into shards, None for a whole run. Exits with an error if an option cannot be used."""
    if shard is None:
        if durations is not None:
            output.exit_with_error("--durations needs --shard, such as --shard 1/4")
        return None
    try:
        chosen = shards.parse_shard(shard)
    except ValueError as error:
        output.exit_with_error(f"--shard {shard!r} {error}")
    try:
        return chosen, shards.durations(durations.read_bytes()) if durations else shards.Durations()
    except OSError as error:
        output.exit_with_error(f"cannot read {durations}: {error.strerror}")
    except ValueError as error:
        output.exit_with_error(f"{durations} {error}; name the timings.json of an earlier run")


def _results(cases: "Iterator[Case]", plan: "Plan", *, bar: bool) -> "Iterator[ScenarioResult]":
    """The results. Files are read when they are needed, or before if a progress bar needs the number of scenarios."""
    if not bar:
        return runner.run_all(cases, plan)
    found = list(cases)
    return output.progress(runner.run_all(found, plan), "scenarios", len(found))


def _check_selection(selection: "Selection", faults: Sequence[ScenarioError]) -> None:
    """Exit with an error if a file could not be used, or if a name or tag that was asked for matched nothing."""
    unmatched = list(selection.unmatched())
    if not selection.found and not faults and not unmatched:
        unmatched = ["no scenario matches all of these options; --list shows ids and tags"]
    if unmatched:
        output.exit_with_error("\n".join(unmatched))
    if faults:
        raise typer.Exit(output.USAGE)


def _check_target(server: str, *, http: bool) -> None:
    """Check that `server` is an origin, and that no other server is chosen."""
    if http:
        output.exit_with_error("--http starts a server, --server uses a running one; give one of them")
    output.check_origin(server)


def _check_server(plan: "Plan") -> None:
    """Check that the server elsewhere, if there is one, answers and can serve several processes."""
    if plan.server is None:
        return
    output.check_server(plan.server)
    if plan.workers > 1 and not plan.target().has_worlds():
        output.exit_with_error(
            "this server serves one scenario at a time; omit -n, or give the token of a `serve --lab`"
        )
