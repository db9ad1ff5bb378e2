"""`activation investigate`."""

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.admin.options import TOKEN_FILE


def investigate(
    database: Annotated[
        str | None,
        typer.Option("--database", "--db", help="The server's records: its SQLite file, or postgresql://…"),
    ] = None,
    server: Annotated[
        str | None, typer.Option("--server", help="Ask a running server instead, over its admin API.")
    ] = None,
    token_file: Annotated[
        Path, typer.Option("--token-file", help="For --server: the file that `activation serve` made.")
    ] = TOKEN_FILE,
    smallest: Annotated[
        int, typer.Option(min=1, max=1000, help="Values of fewer phones have no row of their own.")
    ] = 5,
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page with charts.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The numbers, for machines.")] = False,
) -> None:
    """Where the phones came from that were activated in prohibited territories.

    By sale region, model, batch and distributor, and over time: shares, and how sure each is. No phone is named.

    \b
    Example:
      activation investigate --database activation.sqlite --html investigation.html
    """
    from lab.cli.one_investigation import Wish, run

    run(Wish(database, server, token_file, smallest, html, json))
