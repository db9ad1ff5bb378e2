"""`activation admin campaigns`."""

from typing import Annotated

import typer

from lab.cli.admin.client import Client, quote_path
from lab.cli.admin.options import At, Reason, admin_command, parse_time
from lab.cli.lazy import deferred

with deferred():
    from lab.cli.admin import tables

Campaign = Annotated[str, typer.Argument(metavar="ID", help="The campaign's id, as policies name it.")]


@admin_command
def list_campaigns(api: Client) -> None:
    """List campaigns that operators started or lifted.

    \b
    Example:
      activation admin campaigns list
    """
    api.show(api.get("/campaigns").body["items"], tables.campaigns)


@admin_command
def start(api: Client, id_: Campaign, reason: Reason, at: At = None) -> None:
    """Start a campaign, whatever dates the policy document gives.

    \b
    Example:
      activation admin campaigns start investigation --reason "grey market"
    """
    body = {"id": id_, "reason": reason, "at": parse_time(at, "--at")}
    api.show(api.post("/campaigns", body).body, lambda item: tables.campaigns([item]))


@admin_command
def lift(api: Client, id_: Campaign, reason: Reason, at: At = None) -> None:
    """End a campaign.

    \b
    Example:
      activation admin campaigns lift investigation --reason "results are in"
    """
    body = {"reason": reason, "at": parse_time(at, "--at")}
    lifted = api.post(f"/campaigns/{quote_path(id_)}/lift", body).body
    api.show(lifted, lambda item: tables.campaigns([item]))
