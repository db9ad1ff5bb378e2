"""`activation admin faults`."""

from typing import Annotated, Final

import typer

from lab.cli import output
from lab.cli.admin.client import Client
from lab.cli.admin.options import Reason, admin_command
from lab.cli.lazy import deferred
from server_stub.faults.catalogue import SERVER_ROUTES, FaultKind

with deferred():
    from lab.cli.admin import tables

KINDS: Final = [kind.value for kind in SERVER_ROUTES]
ROUTES: Final = {"verdicts": "verdicts", "challenges": "challenges", "tuf": "keys"}
"""The names of the page, and those of the API."""


@admin_command
def list_faults(api: Client) -> None:
    """List the faults that are not used up.

    \b
    Example:
      activation admin faults list
    """
    api.show(api.get("/faults").body["items"], tables.faults)


@admin_command
def add(
    api: Client,
    kind: Annotated[
        str, typer.Argument(help="garbage, truncated, wrong-key, expired, …: docs/developers/faults.md.")
    ],
    reason: Reason,
    count: Annotated[int, typer.Option(min=1, help="How many responses at most.")] = 1,
    route: Annotated[
        str, typer.Option(help="Which responses: verdicts, challenges, or tuf (the key files).")
    ] = "verdicts",
    device: Annotated[str | None, typer.Option(help="Only to this device: its pseudonym or IMEI.")] = None,
    probability: Annotated[float, typer.Option(help="For each response, above 0 and at most 1.")] = 1.0,
    delay: Annotated[int | None, typer.Option(min=1, help="Seconds, for slow and slow-headers.")] = None,
    status: Annotated[int | None, typer.Option(min=500, max=599, help="For error; 503 by default.")] = None,
    retry_after: Annotated[
        int | None,
        typer.Option(min=0, help="Seconds in Retry-After, for error, unavailable and too-many-requests."),
    ] = None,
) -> None:
    """Inject a fault into the next responses. The server's records keep what it decided.

    \b
    Example:
      activation admin faults add slow --delay 5 --count 2 --reason "test of my client"
    """
    if kind not in KINDS and kind in set(FaultKind):
        output.exit_with_error(f"{kind} is a fault of the network; use activation proxy --fault {kind}")
    output.known_name(kind, KINDS, "fault of the server")
    output.known_name(route, list(ROUTES), "route")
    if not 0 < probability <= 1:
        output.exit_with_error(f"--probability is above 0 and at most 1, not {probability}")
    body = {
        "kind": kind,
        "count": count,
        "route": ROUTES[route],
        "device": api.pseudonym(device) if device else None,
        "probability": probability,
        "delay": delay,
        "status": status,
        "retry_after": retry_after,
        "reason": reason,
    }
    api.show(api.post("/faults", body).body["items"], tables.faults)


@admin_command
def clear(
    api: Client,
    reason: Reason,
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="[NUMBER]...", help="Ids of faults; all by default.")
    ] = None,
) -> None:
    """Cancel faults.

    \b
    Example:
      activation admin faults clear --reason "done"
    """
    items = api.post("/faults/clear", {"ids": ids or None, "reason": reason}).body["items"]
    api.show(items, lambda cancelled: [f"Faults cancelled: {len(cancelled)}."])
