"""`activation admin audit`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.admin.options import SERVER, TOKEN_FILE, Json, Limit, Server, TokenFile


def audit(
    actor: Annotated[str | None, typer.Option(help="Who did it: the name of a token.")] = None,
    action: Annotated[
        str | None, typer.Option(help="What was done, or how that begins: device., policy.in-force.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="To whom: a pseudonym or another name.")] = None,
    since: Annotated[str | None, typer.Option(help="From then on: seconds or ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option(help="Before then: seconds or ISO 8601.")] = None,
    export: Annotated[str | None, typer.Option(help="All of it, as ndjson or csv.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the export to a file.")] = None,
    limit: Limit = 100,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Read the audit log: who did what, to whom, when and why.

    \b
    Example:
      activation admin audit --action device. --since 2021-09-01
      activation admin audit --export csv --out audit.csv
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client
    from lab.cli.admin.times import seconds

    asked = {
        "actor": actor,
        "action": action,
        "subject": subject,
        "since": seconds(since, "--since"),
        "until": seconds(until, "--until"),
    }
    client = Client.of(server, token_file)
    if export is not None:
        form = output.known_name(export, ["ndjson", "csv"], "format")
        octets = client.text("/audit/export", {**asked, "format": form})
        output.write_octets(out, octets) if out else sys.stdout.write(octets.decode())
        return
    if out is not None:
        output.exit_with_error("--out is for --export; name ndjson or csv")
    items = list(client.pages("/audit", asked, limit))
    output.as_json(items) if json else tables.show_audit(items)
