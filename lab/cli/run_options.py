"""The options of `activation run`."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.cli.options import Json

AllureResults = Annotated[Path | None, typer.Option(help="Write results for Allure into this folder.")]
JunitTimes = Annotated[
    bool, typer.Option("--junit-times", help="JUnit XML has the real time of each scenario.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a user asks for, as they wrote it."""

    paths: Annotated[list[Path], typer.Argument(help="Scenario files, or folders with scenario files.")]
    workers: Annotated[int, typer.Option("--workers", "-n", min=1, max=64, help="Processes.")] = 1
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML for a CI server.")] = None
    html: Annotated[Path | None, typer.Option(help="Write the report as one self-contained HTML page.")] = (
        None
    )
    report: Annotated[
        Path | None,
        typer.Option(help="Write report.json, report.html, junit.xml and timings.json into this folder."),
    ] = None
    allure: AllureResults = None
    details: Annotated[
        bool, typer.Option("--details", help="Reports have the details of scenarios that passed, too.")
    ] = False
    junit_times: JunitTimes = False
    commit: Annotated[
        str | None, typer.Option(help="The commit that reports name, by default that of the checkout.")
    ] = None
    seed: Annotated[
        str | None,
        typer.Option(
            help="The same seed gives the same results, byte for byte; by default 2021, or with --last-failed that "
            "of the failures."
        ),
    ] = None
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run scenarios with this id, combination or file stem, such as '*place=havana*'."),
    ] = None
    tag: Annotated[
        list[str] | None,
        typer.Option(help="Run scenarios with this tag, or another --tag; a+b requires both."),
    ] = None
    not_tag: Annotated[list[str] | None, typer.Option(help="Leave out scenarios with this tag.")] = None
    list_only: Annotated[bool, typer.Option("--list", help="List ids, tags and parameters; run nothing.")] = (
        False
    )
    last_failed: Annotated[
        bool,
        typer.Option(
            "--last-failed", help="Run the scenarios that failed when they were last run; all if none did."
        ),
    ] = False
    stop: Annotated[bool, typer.Option("-x", help="Stop after the first failure.")] = False
    max_failures: Annotated[int | None, typer.Option(min=1, help="Stop after this many failures.")] = None
    enforce_time: Annotated[
        bool,
        typer.Option("--enforce-time", help="Fail scenarios that exceed their budget of processor time."),
    ] = False
    shard: Annotated[
        str | None, typer.Option(help="Run one part of the scenarios: 2/7 is the second of seven.")
    ] = None
    durations: Annotated[
        Path | None,
        typer.Option(
            help="Cut the parts by the times of an earlier run, its timings.json; by count without it."
        ),
    ] = None
    http: Annotated[bool, typer.Option("--http", help="Use real HTTP on this machine.")] = False
    screenshots: Annotated[Path, typer.Option(help="The folder of the step `screenshot`.")] = Path(
        "screenshots"
    )
    update_golden: Annotated[
        bool, typer.Option("--update-golden", help="Write the files of the step `golden`.")
    ] = False
    server: Annotated[str | None, typer.Option(help="Use the running server at this URL.")] = None
    token: Annotated[
        str | None, typer.Option(envvar="ACTIVATION_ADMIN_TOKEN", help="The admin token of that server.")
    ] = None
    json: Json = False


def with_run_options(command: Callable[[typer.Context, RunOptions], None]) -> Callable[..., None]:
    """The command, with an option for each field of `RunOptions`."""

    @functools.wraps(command)
    def run(context: typer.Context, **given: Any) -> None:
        command(context, RunOptions(**given))

    context, _ = inspect.signature(command).parameters.values()
    parameters = [context, *inspect.signature(RunOptions).parameters.values()]
    vars(run)["__signature__"] = inspect.Signature(parameters)
    return run
