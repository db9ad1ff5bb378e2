"""`activation admin keys`."""

from typing import Annotated

import typer

from lab.cli import output
from lab.cli.admin.options import SERVER, TOKEN_FILE, At, Json, Reason, Server, TokenFile, parse_time
from lab.cli.lazy import deferred
from lab.cli.server_settings import with_settings

with deferred():
    from lab.cli.admin import client, tables
    from lab.manufacturer import manufacturer
    from server_stub import configuration, key_repository

Kid = Annotated[str, typer.Argument(metavar="KEY", help="The key's id, or its beginning.")]


def list_keys(server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False) -> None:
    """List the keys that the server publishes.

    \b
    Example:
      activation admin keys list
    """
    items = client.Client.of(server, token_file).get("/keys").body["items"]
    tables.show(items, tables.keys, json=json)


def rotate(
    key: Kid,
    reason: Reason,
    at: At = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Replace a key by a new one of the same algorithm.

    \b
    Example:
      activation admin keys rotate Zx1 --at 2021-10-01T00:00:00Z --reason "yearly"
    """
    body = {"reason": reason, "at": parse_time(at, "--at")}
    api = client.Client.of(server, token_file)
    result = api.post(f"{_key_path(api, key)}/rotate", body).body
    tables.show(
        result, lambda found: [f"The new key is {found['kid']}.", *tables.keys(found["items"])], json=json
    )


def revoke(
    key: Kid, reason: Reason, server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False
) -> None:
    """Revoke a key immediately. Devices reject it from their next exchange on.

    \b
    Example:
      activation admin keys revoke Zx1 --reason "laptop lost"
    """
    api = client.Client.of(server, token_file)
    items = api.post(f"{_key_path(api, key)}/revoke", {"reason": reason}).body["items"]
    tables.show(items, tables.keys, json=json)


@with_settings(["seed"])
def replace_online(
    configured: "configuration.Configuration",
    reason: Reason,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Replace the online keys of the key repository, after one was stolen: timestamp, snapshot, targets, verdict-keys.

    It takes the root keys of --seed, signs the next root, which names new online keys, and sends it to the server.
    From its next exchange on, a device rejects what the old keys signed, also a timestamp of a far future.

    \b
    Example:
      activation admin keys replace-online --seed 7 --reason "timestamp key stolen"
    """
    ceremony = manufacturer.Manufacturer(configured.settings.seed).ceremony
    api = client.Client.of(server, token_file)
    try:
        root = ceremony.replacement(api.get("/keys/root").body["root"].encode()).decode()
    except key_repository.KeyRepositoryError as error:
        output.exit_with_error(f"cannot sign the next root: {error}")
    result = api.post("/keys/root", {"reason": reason, "root": root}).body
    tables.show(result, lambda found: [f"Root {found['version']} names new online keys."], json=json)


def _key_path(api: "client.Client", beginning: str) -> str:
    """The path of the only key with this beginning. If there is not exactly one, the server rejects the path."""
    found = [item["kid"] for item in api.get("/keys").body["items"] if item["kid"].startswith(beginning)]
    return f"/keys/{client.quote_path(found[0] if len(found) == 1 else beginning)}"
