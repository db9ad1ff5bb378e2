"""`activation admin`: operating a verdict server over its admin API."""

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.admin import audit, devices, faults, keys, policies, shipments, unlock
from lab.cli.admin.options import Json, group

app = group(
    "Operate a verdict server: policies, campaigns, devices, keys, faults, audit. "
    "The admin token comes from ACTIVATION_ADMIN_TOKEN, or from the file that `activation serve` made.",
    'activation admin devices lock 490154203237518 --reason "reported stolen"',
)
app.add_typer(policies.policies, name="policies")
app.add_typer(policies.campaigns, name="campaigns")
app.add_typer(devices.app, name="devices")
app.command("unlock")(unlock.unlock)
app.add_typer(keys.app, name="keys")
app.add_typer(faults.app, name="faults")
app.command("shipments")(shipments.shipments)
app.command("audit")(audit.audit)


@app.command()
def token(
    database: Annotated[
        str, typer.Option("--database", "--db", help="The server's SQLite file, or the URL of its database.")
    ] = "activation.sqlite",
    name: Annotated[str, typer.Option(help="Whose token; audit entries carry the name.")] = "operator",
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Write the token to this file (mode 0600), and do not show it."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the audit log.")] = "a new token",
    json: Json = False,
) -> None:
    """Make a new admin token on the server's database. The token before ends at once, in every running server.

    \b
    Example:
      activation admin token --database activation.sqlite --name alice --file activation-admin-token
    """
    from lab.cli.admin.token import rotate

    rotate(database, name, file, reason, json=json)
