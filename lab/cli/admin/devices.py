"""`activation admin devices`."""

from typing import Annotated, Any

import typer

from lab.cli.admin.options import SERVER, TOKEN_FILE, Device, Json, Limit, Reason, Server, TokenFile, group

app = group("Devices: search, look at, decide about.", "activation admin devices search --decision deny")

Text = str | None
Territory = Annotated[Text, typer.Option(help="Territory of the newest verdict: CU, UA-43.")]
Activated = Annotated[Text, typer.Option("--activation-territory", help="Where it was activated.")]
Region = Annotated[Text, typer.Option("--sale-region", help="Where it was sold: global, eea, …")]
Model = Annotated[Text, typer.Option(help="Its model.")]
Batch = Annotated[Text, typer.Option(help="Its production batch.")]
Distributor = Annotated[Text, typer.Option(help="Who got it from the vendor.")]
Decision = Annotated[
    Text, typer.Option(help="Decision of the newest verdict: allow, notice, deny, defer or release.")
]
Locked = Annotated[bool | None, typer.Option("--locked", help="Locked by its newest verdict.")]
Overridden = Annotated[
    bool | None, typer.Option("--overridden/--not-overridden", help="Whether an operator decided about it.")
]
Case = Annotated[Text, typer.Option(help="Case number; the phone's own if it is left out.")]


@app.command()
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
    """Search devices. A device has every property that is named.

    \b
    Example:
      activation admin devices search --activation-territory CU --locked
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client

    asked = {
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
    items = list(Client.of(server, token_file).pages("/devices", asked, limit))
    output.as_json(items) if json else tables.show_devices(items)


@app.command()
def show(
    device: Device, server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False
) -> None:
    """Show one device.

    \b
    Example:
      activation admin devices show 490154203237518
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client, quote_path

    client = Client.of(server, token_file)
    item = client.get(f"/devices/{quote_path(client.device(device))}").body
    output.as_json(item) if json else tables.show_device(item)


@app.command()
def history(
    device: Device,
    limit: Limit = 100,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Show the verdicts about one device, newest first. With --json each has its inputs, appraisal and judgement.

    \b
    Example:
      activation admin devices history 490154203237518 --json
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client, quote_path

    client = Client.of(server, token_file)
    items = list(client.pages(f"/devices/{quote_path(client.device(device))}/history", {}, limit))
    output.as_json(items) if json else tables.show_history(items)


@app.command()
def lock(
    device: Device,
    reason: Reason,
    case: Case = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Deny a device at its next check-in, whatever the policy says.

    \b
    Example:
      activation admin devices lock 490154203237518 --reason "reported stolen"
    """
    _act("lock", device, {"reason": reason, "case": case}, (server, token_file), json=json)


@app.command()
def unlock(
    device: Device,
    reason: Reason,
    case: Case = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Allow a device at its next check-in, whatever the policy says.

    \b
    Example:
      activation admin devices unlock 490154203237518 --reason "bought in Panama"
    """
    _act("unlock", device, {"reason": reason, "case": case}, (server, token_file), json=json)


@app.command()
def release(
    device: Device,
    reason: Reason,
    case: Case = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Give a device up at its next check-in: it never asks again.

    \b
    Example:
      activation admin devices release 490154203237518 --reason "end of life"
    """
    _act("release", device, {"reason": reason, "case": case}, (server, token_file), json=json)


@app.command()
def withdraw(
    device: Device,
    reason: Reason,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Let the policy decide about a device again.

    \b
    Example:
      activation admin devices withdraw 490154203237518 --reason "a mistake"
    """
    _act("withdraw", device, {"reason": reason}, (server, token_file), json=json)


@app.command()
def bulk(
    act: Annotated[str, typer.Argument(help="lock, unlock, release or withdraw.")],
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
        bool, typer.Option("--everybody", help="Every device is meant; without it, say which.")
    ] = False,
    maximum: Annotated[int, typer.Option(min=1, help="Do nothing where more devices are found.")] = 100,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say to which devices, and do nothing.")] = False,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Do the same to every device that is found, or to none where there are more than --maximum.

    \b
    Example:
      activation admin devices bulk unlock --activation-territory CU --locked --reason "lifted" --dry-run
    """
    from lab.cli import output
    from lab.cli.admin.client import Client

    wanted = {
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
    output.known_name(act, ["lock", "unlock", "release", "withdraw"], "act")
    given = {name: value for name, value in wanted.items() if value is not None}
    if bool(given) is everybody:
        output.exit_with_error("say which devices are meant, such as --batch K-2107-A, or else --everybody")
    body = {
        "act": act,
        "filter": given,
        "everybody": everybody,
        "maximum": maximum,
        "dry_run": dry_run,
        "reason": reason,
    }
    done = Client.of(server, token_file).post("/devices/bulk", body).body
    if json:
        output.as_json(done)
        return
    typer.echo(
        f"{act} {'would reach' if dry_run else 'reaches'} {done['count']} devices at their next check-in."
    )
    for sub in done["devices"]:
        typer.echo(f"  {sub}")


def _act(act: str, device: str, wish: dict[str, Any], to: Any, *, json: bool) -> None:
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client, quote_path

    client = Client.of(*to)
    item = client.post(f"/devices/{quote_path(client.device(device))}/{act}", wish).body
    if json:
        output.as_json(item)
        return
    typer.echo(f"Done: {act}. The phone learns of it at its next check-in.")
    tables.show_device(item)
