"""`activation diagram`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lab.cli import output
from lab.cli.lazy import deferred

with deferred():
    from agent.core import table
    from lab.diagrams import mermaid, scxml, svg


class Format(StrEnum):
    """The formats of a diagram."""

    MERMAID = "mermaid"
    SVG = "svg"
    SCXML = "scxml"


def diagram(
    form: Annotated[
        Format,
        typer.Option(
            "--format", help="mermaid and svg are pictures; scxml (W3C) can be executed by other engines."
        ),
    ] = Format.MERMAID,
    machine: Annotated[
        str | None, typer.Option(help="One of setup, exchange, lock and attention; all by default.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--output", help="Write to a file.", dir_okay=False)] = None,
) -> None:
    """Draw the agent's state machines, generated from its transition tables.

    \b
    Example:
      activation diagram --machine lock
      activation diagram --format svg --output machines.svg
      activation diagram --format scxml --machine exchange --output exchange.scxml
    """
    by_name = {each.name: each for each in table.MACHINES}
    chosen = (by_name[output.known_name(machine, list(by_name), "machine")],) if machine else table.MACHINES
    draw = {Format.MERMAID: mermaid.document, Format.SVG: svg.document, Format.SCXML: scxml.document}[form]
    if file is not None:
        output.write(file, draw(chosen))
    else:
        output.say(draw(chosen), nl=False)
