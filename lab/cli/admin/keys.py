"""`activation admin keys`."""

from typing import Annotated

import typer

from lab.cli.admin.options import SERVER, TOKEN_FILE, Json, Reason, Server, TokenFile, group

app = group("Verdict keys: list, rotate, revoke.", 'activation admin keys rotate KEY --reason "yearly"')

Kid = Annotated[str, typer.Argument(metavar="KEY", help="The key's name, or how it begins.")]


@app.command("list")
def list_(server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False) -> None:
    """List the keys that the server publishes.

    \b
    Example:
      activation admin keys list
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client

    items = Client.of(server, token_file).get("/keys").body["items"]
    output.as_json(items) if json else tables.show_keys(items)


@app.command()
def rotate(
    key: Kid,
    reason: Reason,
    at: Annotated[
        str | None, typer.Option(help="When the new key takes over: seconds or ISO 8601; else now.")
    ] = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Let a new key of the same algorithm take over.

    \b
    Example:
      activation admin keys rotate Zx1 --at 2021-10-01T00:00:00Z --reason "yearly"
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client, quote_path
    from lab.cli.admin.times import seconds

    client = Client.of(server, token_file)
    body = {"reason": reason, "at": seconds(at, "--at")}
    done = client.post(f"/keys/{quote_path(_kid(client.get('/keys').body['items'], key))}/rotate", body).body
    if json:
        output.as_json(done)
        return
    typer.echo(f"The new key is {done['kid']}.")
    tables.show_keys(done["items"])


@app.command()
def revoke(
    key: Kid, reason: Reason, server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False
) -> None:
    """Revoke a key at once. Phones refuse it by name from their next exchange on.

    \b
    Example:
      activation admin keys revoke Zx1 --reason "laptop lost"
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client, quote_path

    client = Client.of(server, token_file)
    kid = _kid(client.get("/keys").body["items"], key)
    items = client.post(f"/keys/{quote_path(kid)}/revoke", {"reason": reason}).body["items"]
    output.as_json(items) if json else tables.show_keys(items)


def _kid(items: list[dict[str, str]], name: str) -> str:
    """The one key that begins like this; the server refuses what is not listed."""
    found = [item["kid"] for item in items if item["kid"].startswith(name)]
    return found[0] if len(found) == 1 else name
