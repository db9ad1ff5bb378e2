"""`activation run`."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import typer

from lab.cli import output, run_output, run_reports, run_session
from lab.cli.lazy import deferred
from lab.cli.run_options import RunOptions, with_run_options
from lab.scenario.engine.interruption import Interruption
from lab.scenario.files.errors import ScenarioError

with deferred():
    from lab.backend import hosts, http_host
    from lab.scenario.engine import context as engine_context
    from lab.scenario.engine import runner
    from lab.scenario.files import discovery, shards
    from lab.scenario.files import selection as selections
    from lab.scenario.model import named_files
    from lab.scenario.output import last_failed as last_failures
    from lab.scenario.output import run_root, targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lab.scenario.files.reader import Case

_SEED: Final = "2021"


@with_run_options
def run(context: typer.Context, options: RunOptions) -> None:
    """Run scenarios, and explain why scenarios failed.

    One --only and one --tag must match, and no --not-tag; * and ? are wildcards. With --shard each scenario is in
    exactly one part, on every host; `activation report merge` joins the reports.

    SIGINT and SIGTERM end a run within two seconds, a second one immediately; files have the results so far.

    Results, failures and files that cannot be used are on standard output; with --json or --list those files are on
    standard error, where all notes are.

    Exit code: 0 if all passed, 1 if one failed, 2 if a file cannot be used or a name matches nothing, 3 if this
    program, a worker process or --server failed (status `internal-error`), 130 after SIGINT, 143 after SIGTERM.

    \b
    Example:
      activation run scenarios -n 2 --tag lock --junit scenarios.xml
    """
    interruption = context.with_resource(Interruption().handled())  # before modules that take long to load
    if options.server is not None:
        if options.http:
            output.exit_with_error("--http starts a server, --server uses a running one; give one of them")
        output.check_origin(options.server)
    faults: list[ScenarioError] = []
    only, tags, not_tags = (tuple(each or ()) for each in (options.only, options.tag, options.not_tag))
    selection = selections.Selection(only, tags, not_tags)
    cut = _cut(options)
    root = run_root.RunRoot(named_files.run_root(options.paths))
    failed_before = last_failures.LastFailed(root)
    read = discovery.each_case(options.paths, partial(_report, options, faults), output.note)
    selected = selection.select(failed_before.seen(interruption.until_stopped(read)))
    cases: Iterable[Case] = selected
    part, seed = None, options.seed or _SEED
    if cut is not None or options.last_failed:
        cases, part, seed = _chosen(list(selected), options, failed_before, cut, root)
    if options.list_only:
        run_output.print_list(cases, json=options.json)
        raise typer.Exit(run_session.selection_code(selection, faults, interruption))
    names = (options.report, options.html, options.junit, options.junit_times, options.allure)
    files = targets.ReportTargets(*names)
    run_reports.check(files)
    plan = runner.Plan(
        seed,
        options.workers,
        http_host.HttpHost if options.http else hosts.InProcessHost,
        options.server,
        options.token,
        options.enforce_time,
        engine_context.OutputOptions(options.screenshots, options.update_golden),
        options.details,
    )
    _check_server(plan)
    reports = run_reports.RunReports(files, root, plan, options.commit, part)
    session = run_session.RunSession(options, plan, selection, faults, reports, failed_before, interruption)
    code = session.run(cases)
    if options.server is not None and interruption.signal is None:
        # Scenarios that were skipped prove nothing if it stopped meanwhile.
        output.check_server(options.server)
    raise typer.Exit(code)


def _cut(options: RunOptions) -> "tuple[shards.Shard, shards.Durations] | None":
    """How to cut the scenarios into shards, None for a whole run. Exits with an error if an option cannot be used."""
    file = options.durations
    if options.shard is None:
        return (
            None if file is None else output.exit_with_error("--durations needs --shard, such as --shard 1/4")
        )
    try:
        chosen = shards.parse_shard(options.shard)
    except ValueError as error:
        output.exit_with_error(f"--shard {options.shard!r} {error}")
    try:
        return chosen, shards.durations(file.read_bytes()) if file else shards.Durations()
    except OSError as error:
        output.exit_with_error(f"cannot read {file}: {error.strerror}")
    except ValueError as error:
        output.exit_with_error(f"{file} {error}; name the timings.json of an earlier run")


def _chosen(
    cases: "Sequence[Case]",
    options: RunOptions,
    failed: "last_failures.LastFailed",
    cut: "tuple[shards.Shard, shards.Durations] | None",
    root: "run_root.RunRoot",
) -> "tuple[list[Case], shards.ShardPart | None, str]":
    """The scenarios of a shard, or those that failed before, with the seed. Failures can differ from host to host, so
    all scenarios are divided, not only those.
    """
    part = shards.part(*cut, [(case.id, root.name(case.file)) for case in cases]) if cut else None
    positions: Sequence[int] = part.positions if part else range(len(cases))
    seed, seeds = options.seed or _SEED, failed.seeds(cases) if options.last_failed else {}
    if seeds:
        positions = [at for at in positions if at in seeds]
        before = sorted({*seeds.values()} - {""})
        seed = before[0] if options.seed is None and len(before) == 1 else seed
        if before not in ([], [seed]):
            output.note(f"these scenarios failed with the seed {' or '.join(before)}; now it is {seed}")
        elif seed not in (options.seed, _SEED):
            output.note(f"the seed is {seed}, with which these scenarios failed")
    elif options.last_failed:
        output.note("none of these scenarios is in the list of failures, so all of them are run")
    if part:
        part = replace(part, positions=tuple(positions))
    return [cases[at] for at in positions], part, seed


def _report(options: RunOptions, faults: list[ScenarioError], fault: ScenarioError) -> None:
    faults.append(fault)
    output.say("\n".join(fault.lines()), err=options.json or options.list_only)


def _check_server(plan: "runner.Plan") -> None:
    """Check that the server elsewhere, if there is one, answers and can serve several processes."""
    if plan.server is None:
        return
    output.check_server(plan.server)
    if plan.workers > 1 and not plan.target().has_worlds():
        output.exit_with_error(
            "this server serves one scenario at a time; omit -n, or give the token of a `serve --lab`"
        )
