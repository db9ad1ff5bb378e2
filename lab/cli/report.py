"""`activation report`: the reports of runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli import output, run_output, run_reports
from lab.cli.lazy import deferred
from lab.cli.options import Json
from lab.cli.run_options import AllureResults, JunitTimes

with deferred():
    from lab.scenario.output import merge as merging
    from lab.scenario.output import report_file, reports, targets

if TYPE_CHECKING:
    from collections import Counter

    from lab.scenario.engine.result import Status


def merge(
    shards: Annotated[
        list[Path],
        typer.Argument(help="The folders of the reports of all shards, or their report.json, in any order."),
    ],
    folder: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Write report.json, report.html, junit.xml and timings.json here."
        ),
    ],
    partial: Annotated[
        bool,
        typer.Option(
            "--partial", help="Merge also if shards are missing or incomplete, and mark the report."
        ),
    ] = False,
    allure: AllureResults = None,
    junit_times: JunitTimes = False,
    json: Json = False,
) -> None:
    """Join the reports of all shards of a run: the same files, byte for byte, as those of the run without --shard.

    Exit code: that of the run: 0 if all scenarios passed, 1 if one failed, 2 if a file could not be used, 3 if a
    scenario has the status `internal-error`. 2 also if a shard is missing, incomplete or of another run, which is
    named; nothing is written then.

    \b
    Example:
      activation report merge shard-1 shard-2 --output report
    """
    try:
        run = merging.MergedRun(shards, partial=partial)
        if folder.resolve() in {each.reader.file.parent.resolve() for each in run.shards}:
            output.exit_with_error(f"{folder} has the report of a shard; choose another folder for --output")
        counts = _write(run, targets.ReportTargets(folder, junit_times=junit_times, allure=allure))
    except (merging.MergeError, report_file.ReportFileError) as error:
        output.exit_with_error(str(error))
    if json:
        output.as_json({"counts": counts, "complete": run.complete, "shards": len(run.shards)})
    else:
        output.say(run_output.summary(counts, len(run.unusable)))
        for each in run.absent:
            output.say(each)
    raise typer.Exit(output.USAGE if run.unusable else run_output.exit_code(counts))


def _write(run: "merging.MergedRun", files: "targets.ReportTargets") -> "Counter[Status]":
    """Write the reports. Returns the statuses of the scenarios."""
    run_reports.check(files)
    with run_reports.errors(), reports.Reports(files, run.header) as written:
        for each in output.progress(run.results(), "scenarios", run.total):
            written.add(each)
        written.close(run.runs, run.unusable, complete=run.complete)
    run_reports.note_written(files)
    return written.counts
