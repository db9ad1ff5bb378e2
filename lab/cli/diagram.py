"""`activation diagram`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """The languages in which the machines can be drawn."""

    MERMAID = "mermaid"
    SVG = "svg"
    SCXML = "scxml"


FORMAT = typer.Option(
    "--format", help="mermaid and svg are pictures; scxml (W3C) can be executed by other engines."
)
MACHINE = typer.Option(
    help="One machine of setup, exchange, lock and attention; all in one document by default."
)
OUTPUT = typer.Option(help="Write to a file.", dir_okay=False)


def diagram(
    form: Annotated[Format, FORMAT] = Format.MERMAID,
    machine: Annotated[str | None, MACHINE] = None,
    output: Annotated[Path | None, OUTPUT] = None,
) -> None:
    """Draw the machines of the agent, generated from the tables that it runs.

    \b
    Example:
      activation diagram --machine lock
      activation diagram --format svg --output machines.svg
      activation diagram --format scxml --machine exchange --output exchange.scxml
    """
    from agent.core.table import MACHINES
    from lab.cli import output as say
    from lab.diagrams import mermaid, scxml, svg

    by_name = {each.name: each for each in MACHINES}
    chosen = (by_name[say.known_name(machine, list(by_name), "machine")],) if machine else MACHINES
    draw = {
        Format.MERMAID: mermaid.document,
        Format.SVG: svg.document,
        Format.SCXML: scxml.document,
    }[form]
    text = draw(chosen)
    if output is not None:
        say.write(output, text)
    else:
        typer.echo(text, nl=False)
