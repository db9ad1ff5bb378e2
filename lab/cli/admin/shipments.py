"""`activation admin shipments`."""

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.admin.options import SERVER, TOKEN_FILE, Json, Reason, Server, TokenFile


def shipments(
    file: Annotated[
        Path,
        typer.Argument(help="CSV with the columns tac, first, last, batch, distributor, sale_region, model."),
    ],
    reason: Reason,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Tell the server which phones went to whom, so that an investigation can name batches and distributors.

    A row is a range of serial numbers (digits 9 to 14 of an IMEI) under one type allocation code.

    \b
    Example:
      activation admin shipments shipped-2021.csv --reason "shipments of the second quarter"
    """
    from lab.cli import output
    from lab.cli.admin.client import Client
    from lab.cli.admin.shipment_file import batches, read

    rows = read(file)
    client = Client.of(server, token_file)
    added = sum(
        client.post("/shipments", {"shipments": batch, "reason": reason}).body["added"]
        for batch in batches(rows)
    )
    output.as_json({"added": added}) if json else output.show(f"{added} shipments added.")
