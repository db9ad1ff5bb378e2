"""`activation admin token`."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli import database as databases
from lab.cli import output
from lab.cli.admin.options import Json
from lab.cli.lazy import deferred
from lab.cli.options import check_line
from lab.cli.server_settings import with_settings

with deferred():
    from server_stub import server
    from server_stub.admin import devices, tokens

if TYPE_CHECKING:
    from server_stub.configuration import Configuration


@with_settings(["database"])
def token(
    configured: "Configuration",
    name: Annotated[str, typer.Option(help="The token's name; audit entries contain it.")] = "operator",
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Write the token to this file (mode 0600), and do not print it."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Reason, for the audit log.")] = "a new token",
    json: Json = False,
) -> None:
    """Create a new admin token in the server's database. The previous token ends immediately, also in running servers.

    \b
    Example:
      activation admin token --database activation.sqlite --name alice --file activation-admin-token
    """
    check_line(reason)
    with databases.opened_store(
        databases.existing_database(configured.database, configured.place("database"))
    ) as store:
        admin_tokens = tokens.AdminTokens(store, server.system_clock, secrets.token_bytes)
        try:
            created = admin_tokens.rotate(name, reason=reason, by=devices.LOCAL)
        except tokens.TokenNameError as error:
            output.exit_with_error(f"--name: {error}")
    if file is not None:
        try:
            output.write_private(file, created)
        except OSError as error:
            output.exit_with_error(
                f"the token was replaced, but {file} cannot be written: {error.strerror}; run this again",
                output.ENVIRONMENT,
            )
    if json:
        shown = {} if file else {"token": created}
        output.as_json({"name": name, "file": str(file) if file else None, **shown})
    elif file:
        output.say(f"The token of {name} is in {file}; the previous one has ended.")
    else:
        output.say(created)
        output.say(f"This is the token of {name}, shown only now. The previous one has ended.", err=True)
