"""`activation run`."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lab.cli import output, run_output, run_reports, run_session
from lab.cli import run_options as options
from lab.cli.lazy import deferred
from lab.cli.options import Json
from lab.scenario.engine.interruption import Interruption
from lab.scenario.files.errors import ScenarioError

with deferred():
    from lab.backend import hosts, http_host
    from lab.scenario.engine import context, runner
    from lab.scenario.files import discovery, shards
    from lab.scenario.files import selection as selections
    from lab.scenario.output import last_failed as last_failures
    from lab.scenario.output import run_root
    from lab.scenario.output import targets as report_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.scenario.engine.runner import Plan
    from lab.scenario.files.reader import Case
    from lab.scenario.files.selection import Selection
    from lab.scenario.files.shards import Durations, Shard, ShardPart
    from lab.scenario.output.last_failed import LastFailed
    from lab.scenario.output.run_root import RunRoot


def run(
    command: typer.Context,
    paths: options.Paths,
    workers: options.Workers = 1,
    junit_file: options.JunitFile = None,
    html: options.HtmlFile = None,
    report: options.ReportFolder = None,
    allure: options.AllureResults = None,
    details: options.Details = False,
    junit_times: options.JunitTimes = False,
    commit: options.Commit = None,
    seed: options.RunSeed = "2021",
    only: options.Only = None,
    tag: options.Tags = None,
    not_tag: options.NotTags = None,
    list_only: options.ListOnly = False,
    last_failed: options.LastFailedOnly = False,
    stop: options.StopAtFirst = False,
    max_failures: options.MaxFailures = None,
    enforce_time: options.EnforceTime = False,
    shard: options.ShardNumber = None,
    durations: options.DurationsFile = None,
    http: options.Http = False,
    screenshots: options.Screenshots = Path("screenshots"),
    update_golden: options.UpdateGolden = False,
    server: options.ServerUrl = None,
    token: options.Token = None,
    json: Json = False,
) -> None:
    """Run scenarios, and explain why scenarios failed.

    One --only and one --tag must match, and no --not-tag; * and ? are wildcards. With --shard each scenario is in
    exactly one part, on every host; `activation report merge` joins the reports.

    SIGINT and SIGTERM end a run within two seconds, a second one immediately; files have the results so far.

    Exit code: 0 if all passed, 1 if one failed, 2 if a file cannot be used or a name matches nothing, 3 if this
    program, a worker process or --server failed (status `internal-error`), 130 after SIGINT, 143 after SIGTERM.

    \b
    Example:
      activation run scenarios -n 2 --tag lock --junit scenarios.xml
    """
    interruption = command.with_resource(Interruption().handled())  # before modules that take long to load
    _check_target(server, http=http)
    faults: list[ScenarioError] = []
    selection = selections.Selection(tuple(only or ()), tuple(tag or ()), tuple(not_tag or ()))
    root = run_root.RunRoot.of(paths)
    failed_before = last_failures.LastFailed(root)
    selection.other = _only_failed(failed_before, wanted=last_failed)
    read = discovery.each_case(paths, partial(_report, faults), partial(output.say, err=True))
    found = interruption.until_stopped(read)
    cases, part = _sharded(selection, found, _cut(shard, durations), root)
    if list_only:
        run_output.print_list(cases, json=json)
        raise typer.Exit(run_session.selection_code(selection, faults, interruption))
    targets = report_targets.ReportTargets(report, html, junit_file, junit_times, allure)
    run_reports.check(targets)
    host = http_host.HttpHost if http else hosts.InProcessHost
    written_by_steps = context.OutputOptions(screenshots, update_golden)
    plan = runner.Plan(seed, workers, host, server, token, enforce_time, written_by_steps, details)
    _check_server(plan)
    printer = run_output.JsonOutput() if json else run_output.TextOutput()
    reports = run_reports.RunReports(targets, paths, plan, commit, part)
    session = run_session.RunSession(plan, selection, faults, printer, reports, failed_before, interruption)
    session.failures_max = 1 if stop else max_failures
    code = session.run(cases)
    if server is not None and interruption.signal is None:
        output.check_server(server)  # scenarios that were skipped prove nothing if it stopped meanwhile
    raise typer.Exit(code)


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


def _sharded(
    selection: "Selection", found: "Iterator[Case]", cut: "tuple[Shard, Durations] | None", root: "RunRoot"
) -> "tuple[Iterator[Case], ShardPart | None]":
    """The selected scenarios, or those of a shard, for which all files are read first.

    What failed before can differ from host to host, so all scenarios are divided, not only those.
    """
    if cut is None:
        return selection.select(found), None
    wanted = selection.other
    selection.other = lambda case: wanted(case) or True  # sees every case
    cases = list(selection.select(found))
    part = shards.part(*cut, [(case.id, root.name(case.file)) for case in cases])
    part = replace(part, positions=tuple(at for at in part.positions if wanted(cases[at])))
    return (cases[at] for at in part.positions), part


def _report(faults: list[ScenarioError], fault: ScenarioError) -> None:
    faults.append(fault)
    output.say("\n".join(fault.lines()), err=True)


def _only_failed(failed: "LastFailed", *, wanted: bool) -> "Callable[[Case], bool]":
    """If it is wanted, whether a scenario failed in the last run; every scenario if none did."""
    if wanted and failed:
        return failed.selects
    if wanted:
        output.say(f"activation: {failed.file} lists no failure of an earlier run; all are run", err=True)
    return lambda _: True


def _check_target(server: str | None, *, http: bool) -> None:
    """Check that `server` is an origin, and that no other server is chosen."""
    if server is None:
        return
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
