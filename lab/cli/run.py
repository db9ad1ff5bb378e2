"""`activation run`."""

from pathlib import Path
from typing import Annotated

import typer

SEED = typer.Option(help="The same seed gives the same results, octet by octet.")


def run(
    paths: Annotated[list[Path], typer.Argument(help="Scenario files, or folders that hold some.")],
    workers: Annotated[int, typer.Option("--workers", "-n", min=1, max=64, help="Processes.")] = 1,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML for a CI server.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as one self-contained page.")] = None,
    seed: Annotated[str, SEED] = "2021",
    only: Annotated[
        str | None, typer.Option(help="One scenario, by its id or its combination; wildcards are allowed.")
    ] = None,
    http: Annotated[bool, typer.Option("--http", help="Over real HTTP on this machine.")] = False,
    server: Annotated[
        str | None, typer.Option(help="Against a server that runs elsewhere, by its URL.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="ACTIVATION_ADMIN_TOKEN", help="The admin token of that server.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Everything, for machines.")] = False,
) -> None:
    """Run scenarios, and say why those that fail do.

    Exit code: 0 if all passed, 1 if one failed, 2 if a file cannot be used, 3 if this program or its environment
    failed in one (status `internal-error`, with a traceback).

    \b
    Example:
      activation run scenarios -n 2 --junit scenarios.xml
    """
    from lab.cli import output
    from lab.cli.one_run import Wish, execute
    from lab.scenario.engine.runner import Plan

    if http and server:
        output.exit_with_error("--http is a server on this machine, --server one elsewhere; take one of them")
    if server is not None:
        output.check_origin(server)
    plan = Plan(seed, workers, http, server, token if server else None)
    execute(Wish(tuple(paths), only, junit, html, json), plan)
