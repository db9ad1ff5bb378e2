"""`activation admin faults`."""

from typing import Annotated

import typer

from lab.cli.admin.options import SERVER, TOKEN_FILE, Json, Reason, Server, TokenFile, group

app = group(
    "Faults: spoil the next answers of the server on purpose. They live in one process and end with it.",
    'activation admin faults add garbage --count 3 --reason "test of my client"',
)


@app.command("list")
def list_(server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False) -> None:
    """List the faults that are still to come.

    \b
    Example:
      activation admin faults list
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client

    items = Client.of(server, token_file).get("/faults").body["items"]
    output.as_json(items) if json else tables.show_faults(items)


@app.command()
def add(
    kind: Annotated[str, typer.Argument(help="slow, wrong-key, replayed, error or garbage.")],
    reason: Reason,
    count: Annotated[int, typer.Option(min=1, help="How many answers.")] = 1,
    route: Annotated[str, typer.Option(help="Which answers: verdicts or challenges.")] = "verdicts",
    device: Annotated[str | None, typer.Option(help="To this device alone: its pseudonym or IMEI.")] = None,
    delay: Annotated[int | None, typer.Option(min=1, help="Seconds, for slow.")] = None,
    status: Annotated[int | None, typer.Option(min=500, max=599, help="For error; 503 by default.")] = None,
    retry_after: Annotated[int | None, typer.Option(min=0, help="Seconds in Retry-After, for error.")] = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Spoil the next answers. What is decided stays recorded as it was meant.

    \b
    Example:
      activation admin faults add slow --delay 5 --count 2 --reason "test of my client"
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client

    client = Client.of(server, token_file)
    body = {
        "kind": output.known_name(kind, ["slow", "wrong-key", "replayed", "error", "garbage"], "fault"),
        "count": count,
        "route": output.known_name(route, ["verdicts", "challenges"], "route"),
        "device": client.device(device) if device else None,
        "delay": delay,
        "status": status,
        "retry_after": retry_after,
        "reason": reason,
    }
    items = client.post("/faults", body).body["items"]
    output.as_json(items) if json else tables.show_faults(items)


@app.command()
def clear(
    reason: Reason,
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="[NUMBER]...", help="Which; all by default.")
    ] = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Call faults off.

    \b
    Example:
      activation admin faults clear --reason "done"
    """
    from lab.cli import output
    from lab.cli.admin.client import Client

    items = (
        Client.of(server, token_file)
        .post("/faults/clear", {"ids": ids or None, "reason": reason})
        .body["items"]
    )
    output.as_json(items) if json else typer.echo(f"Faults called off: {len(items)}.")
