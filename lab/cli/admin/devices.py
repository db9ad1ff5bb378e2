"""`activation admin devices`."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from lab.cli import output
from lab.cli.admin.options import SERVER, TOKEN_FILE, Device, Json, Limit, Reason, Server, TokenFile
from lab.cli.lazy import deferred
from lab.cli.options import Case

with deferred():
    from lab.cli.admin import client, tables

ACTIONS: Final = ["lock", "unlock", "release", "withdraw"]
DECISIONS: Final = ["notice", "defer", "allow", "deny", "release"]
PERMANENT: Final = {"deny": "lock", "allow": "unlock", "release": "release"}
EVERYBODY: Final = "--everybody"

Text = str | None
Territory = Annotated[Text, typer.Option(help="Territory of the newest verdict: CU, UA-43.")]
Activated = Annotated[Text, typer.Option("--activation-territory", help="Where it was activated.")]
Region = Annotated[Text, typer.Option("--sale-region", help="Where it was sold: global, eea, …")]
Model = Annotated[Text, typer.Option(help="Its model.")]
Batch = Annotated[Text, typer.Option(help="Its production batch.")]
Distributor = Annotated[Text, typer.Option(help="To whom the manufacturer shipped it.")]
Decision = Annotated[
    Text, typer.Option(help="Decision of the newest verdict: allow, notice, deny, defer or release.")
]
Locked = Annotated[bool | None, typer.Option("--locked", help="Locked by its newest verdict.")]
Overridden = Annotated[
    bool | None,
    typer.Option("--overridden/--not-overridden", help="Whether an operator overrides the policy."),
]


def search(
    territory: Territory = None,
    activation_territory: Activated = None,
    sale_region: Region = None,
    model: Model = None,
    batch: Batch = None,
    distributor: Distributor = None,
    decision: Decision = None,
    locked: Locked = None,
    overridden: Overridden = None,
    limit: Limit = 100,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Search devices that have all the given properties.

    \b
    Example:
      activation admin devices search --activation-territory CU --locked
    """
    query = {
        "territory": territory,
        "activation_territory": activation_territory,
        "sale_region": sale_region,
        "model": model,
        "batch": batch,
        "distributor": distributor,
        "decision": decision,
        "locked": locked or None,
        "overridden": overridden,
    }
    items = list(client.Client.of(server, token_file).pages("/devices", query, limit))
    tables.show(items, tables.devices, json=json)


def show(
    device: Device, server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False
) -> None:
    """Show one device.

    \b
    Example:
      activation admin devices show 490154203237518
    """
    api = client.Client.of(server, token_file)
    tables.show(api.get(api.device_path(device)).body, tables.device, json=json)


def history(
    device: Device,
    limit: Limit = 100,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Show the verdicts on one device, newest first. --json adds inputs, appraisal and judgement of each.

    \b
    Example:
      activation admin devices history 490154203237518 --json
    """
    api = client.Client.of(server, token_file)
    items = list(api.pages(f"{api.device_path(device)}/history", {}, limit))
    tables.show(items, tables.history, json=json)


def lock(
    device: Device,
    reason: Reason,
    case: Case = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Deny a device at its next check-in, whatever the policy decides.

    \b
    Example:
      activation admin devices lock 490154203237518 --reason "reported stolen"
    """
    _act("lock", device, {"reason": reason, "case": case}, client.Client.of(server, token_file), json=json)


def unlock(
    device: Device,
    reason: Reason,
    case: Case = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Allow a device at its next check-in, whatever the policy decides.

    \b
    Example:
      activation admin devices unlock 490154203237518 --reason "bought in Panama"
    """
    _act("unlock", device, {"reason": reason, "case": case}, client.Client.of(server, token_file), json=json)


def release(
    device: Device,
    reason: Reason,
    case: Case = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Release a device: at its next check-in it gets a `release` verdict and stops contacting the server.

    \b
    Example:
      activation admin devices release 490154203237518 --reason "end of life"
    """
    _act("release", device, {"reason": reason, "case": case}, client.Client.of(server, token_file), json=json)


def withdraw(
    device: Device,
    reason: Reason,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Withdraw an override: the policy decides on the device again.

    \b
    Example:
      activation admin devices withdraw 490154203237518 --reason "a mistake"
    """
    _act("withdraw", device, {"reason": reason}, client.Client.of(server, token_file), json=json)


def decide(
    device: Device,
    decision: Annotated[str, typer.Argument(help="notice, defer, allow, deny or release.")],
    reason: Reason = "test of a client",
    once: Annotated[
        bool, typer.Option("--once", help="Only the next answer; then the override or the policy again.")
    ] = False,
    case: Case = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Decide on a device once, at its next request, whatever an operator or the policy decided.

    A notice announces a lock in seven days; a defer asks to retry in a minute. Without --once: lock, unlock, release.

    \b
    Example:
      activation admin devices decide 490154203237518 notice --once --reason "test of my client"
    """
    output.known_name(decision, DECISIONS, "decision")
    if not once and decision not in PERMANENT:
        output.exit_with_error(f"{decision} is for one answer; add --once")
    api = client.Client.of(server, token_file)
    if not once:
        _act(PERMANENT[decision], device, {"reason": reason, "case": case}, api, json=json)
        return
    body = {"decision": decision, "reason": reason, "case": case}
    item = api.post(f"{api.device_path(device)}/decide-once", body).body
    done = f"The device's next answer is {decision}, once."
    tables.show(item, lambda changed: [done, *tables.device(changed)], json=json)


def bulk(
    action: Annotated[str, typer.Argument(metavar="ACT", help="lock, unlock, release or withdraw.")],
    reason: Reason,
    territory: Territory = None,
    activation_territory: Activated = None,
    sale_region: Region = None,
    model: Model = None,
    batch: Batch = None,
    distributor: Distributor = None,
    decision: Decision = None,
    locked: Locked = None,
    overridden: Overridden = None,
    everybody: Annotated[
        bool, typer.Option(EVERYBODY, help="Select all devices; needed if no property is given.")
    ] = False,
    maximum: Annotated[int, typer.Option(min=1, help="Change nothing if more devices are found.")] = 100,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the devices, and change nothing.")] = False,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Lock, unlock, release or withdraw all devices that are found, or none if there are more than --maximum.

    \b
    Example:
      activation admin devices bulk unlock --activation-territory CU --locked --reason "lifted" --dry-run
    """
    properties = {
        "territory": territory,
        "activation_territory": activation_territory,
        "sale_region": sale_region,
        "model": model,
        "batch": batch,
        "distributor": distributor,
        "decision": decision,
        "locked": locked or None,
        "overridden": overridden,
    }
    output.known_name(action, ACTIONS, "act")
    given = {name: value for name, value in properties.items() if value is not None}
    if bool(given) is everybody:
        output.exit_with_error(f"specify devices, for example by --batch K-2107-A, or give {EVERYBODY}")
    body = {
        "act": action,
        "filter": given,
        "everybody": everybody,
        "maximum": maximum,
        "dry_run": dry_run,
        "reason": reason,
    }
    result = client.Client.of(server, token_file).post("/devices/bulk", body).body
    if json:
        output.as_json(result)
        return
    effect = "would affect" if dry_run else "affects"
    output.say(f"{action} {effect} {result['count']} devices at their next check-in.")
    for sub in result["devices"]:
        output.say(f"  {sub}")


def _act(action: str, device: str, body: Mapping[str, Any], api: "client.Client", *, json: bool) -> None:
    item = api.post(f"{api.device_path(device)}/{action}", body).body
    done = f"Done: {action}. It takes effect at the device's next check-in."
    tables.show(item, lambda changed: [done, *tables.device(changed)], json=json)
