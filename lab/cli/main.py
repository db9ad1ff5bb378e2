"""`activation`: one command for everything. Commands import what they need when they run."""

import io
import sys

import typer

from lab.cli import (
    appraise,
    attack,
    demo,
    device,
    diagram,
    evidence,
    explore,
    investigate,
    matrix,
    policy,
    profiles,
    run,
    serve,
    territory,
    unlock,
    verify,
)
from lab.cli.admin import commands as admin

app = typer.Typer(
    name="activation",
    help="A simulated on-device activation agent: phones, the verdict server that judges them, and what locks them.",
    epilog="Begin with `activation demo`. Every command has its own --help with an example.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.command()(serve.serve)
app.command()(device.device)
app.command()(unlock.unlock)
app.command()(evidence.evidence)
app.command()(matrix.matrix)
app.command()(run.run)
app.command()(verify.verify)
app.command()(appraise.appraise)
app.command()(territory.territory)
app.command()(attack.attack)
app.command()(investigate.investigate)
app.command()(explore.explore)
app.command()(diagram.diagram)
app.add_typer(profiles.app, name="profiles")
app.add_typer(policy.app, name="policy")
app.add_typer(admin.app, name="admin")


def main() -> None:
    """Entry point of the `activation` script. A terminal that lacks a character shows another one."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()


if __name__ == "__main__":
    main()
