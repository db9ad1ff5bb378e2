"""`activation investigate`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lab.cli import database as databases
from lab.cli import output
from lab.cli.admin.client import TOKEN_FILE
from lab.cli.lazy import deferred
from lab.cli.options import Json

with deferred():
    import pydantic

    from lab.cli.admin import client
    from lab.reports import investigation
    from server_stub.investigation import analysis, queries
    from server_stub.policies import loading
    from server_stub.policy import errors
    from server_stub.verdicts import policy_in_force


def investigate(
    database: Annotated[
        str | None,
        typer.Option("--database", "--db", help="The server's database: its SQLite file, or postgresql://…"),
    ] = None,
    server: Annotated[
        str | None, typer.Option("--server", help="Ask a running server over its admin API instead.")
    ] = None,
    token_file: Annotated[
        Path, typer.Option("--token-file", help="For --server: the file that `activation serve` wrote.")
    ] = TOKEN_FILE,
    smallest: Annotated[
        int, typer.Option(min=1, max=1000, help="Values of fewer devices have no separate row.")
    ] = 5,
    html: Annotated[Path | None, typer.Option(help="Write one self-contained HTML page with charts.")] = None,
    json: Json = False,
) -> None:
    """Report the origin of the devices that were activated in prohibited territories.

    By sale region, model, batch and distributor, and over time: shares with confidence intervals. Devices are not
    identified.

    \b
    Example:
      activation investigate --database activation.sqlite --html investigation.html
    """
    if server and database:
        output.exit_with_error("give --database or --server, not both")
    if server:
        response = client.Client(server, token_file).get("/investigation", {"smallest": smallest})
        found = pydantic.TypeAdapter(analysis.Investigation).validate_python(response.body)
    else:
        located = databases.existing_database(
            database or "activation.sqlite", "--database", exit_code=output.ENVIRONMENT
        )
        try:
            with databases.opened_store(located) as store:
                with store.reading() as reading:
                    policy = policy_in_force.loaded(reading) or loading.shipped()
                found = queries.investigate_store(store, policy, smallest=smallest)
        except errors.PolicyError as error:
            output.exit_with_error(f"cannot read {located}: {error}", output.ENVIRONMENT)
    if html:
        output.write(html, investigation.page(found))
    if json:
        output.as_json(asdict(found))
    elif html:
        output.show(f"{html} written.")
    else:
        output.show(investigation.tables(found))
