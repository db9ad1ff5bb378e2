"""`activation admin campaigns`."""

from typing import Annotated, Any

import typer

from lab.cli.admin.options import SERVER, TOKEN_FILE, At, Json, Reason, Server, TokenFile, parse_time
from lab.cli.lazy import deferred

with deferred():
    from lab.cli.admin import client, tables

Campaign = Annotated[str, typer.Argument(metavar="ID", help="The campaign's id, as policies name it.")]


def list_campaigns(server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False) -> None:
    """List campaigns that operators started or lifted.

    \b
    Example:
      activation admin campaigns list
    """
    items = client.Client.of(server, token_file).get("/campaigns").body["items"]
    tables.show(items, tables.campaigns, json=json)


def start(
    id_: Campaign,
    reason: Reason,
    at: At = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Start a campaign, whatever dates the policy document gives.

    \b
    Example:
      activation admin campaigns start investigation --reason "grey market"
    """
    body = {"id": id_, "reason": reason, "at": parse_time(at, "--at")}
    _post("/campaigns", body, client.Client.of(server, token_file), json=json)


def lift(
    id_: Campaign,
    reason: Reason,
    at: At = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """End a campaign.

    \b
    Example:
      activation admin campaigns lift investigation --reason "results are in"
    """
    body = {"reason": reason, "at": parse_time(at, "--at")}
    _post(f"/campaigns/{client.quote_path(id_)}/lift", body, client.Client.of(server, token_file), json=json)


def _post(path: str, body: dict[str, Any], api: "client.Client", *, json: bool) -> None:
    tables.show(api.post(path, body).body, lambda item: tables.campaigns([item]), json=json)
