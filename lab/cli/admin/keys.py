"""`activation admin keys`."""

from typing import Annotated

import typer

from lab.cli import output
from lab.cli.admin.client import Client, quote_path
from lab.cli.admin.options import At, Reason, admin_command, parse_time
from lab.cli.lazy import deferred
from lab.cli.server_settings import with_settings

with deferred():
    from lab.cli.admin import tables
    from lab.manufacturer import manufacturer
    from server_stub import configuration, key_repository

Kid = Annotated[str, typer.Argument(metavar="KEY", help="The key's id, or its beginning.")]


@admin_command
def list_keys(api: Client) -> None:
    """List the keys that the server publishes.

    \b
    Example:
      activation admin keys list
    """
    api.show(api.get("/keys").body["items"], tables.keys)


@admin_command
def rotate(api: Client, key: Kid, reason: Reason, at: At = None) -> None:
    """Replace a key by a new one of the same algorithm.

    \b
    Example:
      activation admin keys rotate Zx1 --at 2021-10-01T00:00:00Z --reason "yearly"
    """
    body = {"reason": reason, "at": parse_time(at, "--at")}
    result = api.post(f"{_key_path(api, key)}/rotate", body).body
    api.show(result, lambda found: [f"The new key is {found['kid']}.", *tables.keys(found["items"])])


@admin_command
def revoke(api: Client, key: Kid, reason: Reason) -> None:
    """Revoke a key immediately. Devices reject it from their next exchange on.

    \b
    Example:
      activation admin keys revoke Zx1 --reason "laptop lost"
    """
    api.show(api.post(f"{_key_path(api, key)}/revoke", {"reason": reason}).body["items"], tables.keys)


@with_settings(["seed"])
@admin_command
def replace_online(api: Client, configured: "configuration.Configuration", reason: Reason) -> None:
    """Replace the online keys of the key repository, after one was stolen: timestamp, snapshot, targets, verdict-keys.

    It takes the root keys of --seed, signs the next root, which names new online keys, and sends it to the server.
    From its next exchange on, a device rejects what the old keys signed, also a timestamp of a far future.

    \b
    Example:
      activation admin keys replace-online --seed 7 --reason "timestamp key stolen"
    """
    ceremony = manufacturer.Manufacturer(configured.settings.seed).ceremony
    try:
        root = ceremony.replacement(api.get("/keys/root").body["root"].encode()).decode()
    except key_repository.KeyRepositoryError as error:
        output.exit_with_error(f"cannot sign the next root: {error}")
    result = api.post("/keys/root", {"reason": reason, "root": root}).body
    api.show(result, lambda found: [f"Root {found['version']} names new online keys."])


def _key_path(api: Client, beginning: str) -> str:
    """The path of the only key with this beginning. If there is not exactly one, the server rejects the path."""
    found = [item["kid"] for item in api.get("/keys").body["items"] if item["kid"].startswith(beginning)]
    return f"/keys/{quote_path(found[0] if len(found) == 1 else beginning)}"
