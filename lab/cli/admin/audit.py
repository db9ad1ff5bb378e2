"""`activation admin audit`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lab.cli import output
from lab.cli.admin.client import Client
from lab.cli.admin.options import Limit, admin_command, parse_time
from lab.cli.lazy import deferred
from text_input.printable import printable

with deferred():
    from lab.cli.admin import tables


@admin_command
def audit(
    api: Client,
    actor: Annotated[str | None, typer.Option(help="By whom: the name of a token.")] = None,
    action: Annotated[
        str | None, typer.Option(help="Action, or how it begins: device., policy.in-force.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="On what: a pseudonym or another name.")] = None,
    since: Annotated[str | None, typer.Option(help="At or after: seconds or ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option(help="Before: seconds or ISO 8601.")] = None,
    export: Annotated[str | None, typer.Option(help="Export all entries, as ndjson or csv.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the export to a file.")] = None,
    limit: Limit = 100,
) -> None:
    """Read the audit log: who did what to which subject, when and why.

    \b
    Example:
      activation admin audit --action device. --since 2021-09-01
      activation admin audit --export csv --out audit.csv
    """
    if export is not None:
        output.known_name(export, ["ndjson", "csv"], "format")
    elif out is not None:
        output.exit_with_error("--out needs --export; name ndjson or csv")
    query = {
        "actor": actor,
        "action": action,
        "subject": subject,
        "since": parse_time(since, "--since"),
        "until": parse_time(until, "--until"),
    }
    if export is None:
        api.show(list(api.pages("/audit", query, limit)), tables.audit)
        return
    exported = api.export("/audit/export", {**query, "format": export})
    if out:
        output.write(out, exported)
    else:
        sys.stdout.write("\r\n".join(map(printable, exported.decode().split("\r\n"))))
