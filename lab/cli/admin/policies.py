"""`activation admin policies`."""

from pathlib import Path
from typing import Annotated

import typer

from lab.cli import output
from lab.cli.admin.options import SERVER, TOKEN_FILE, Json, Reason, Server, TokenFile
from lab.cli.lazy import deferred

with deferred():
    from lab.cli.admin import client, tables
    from text_input import files, toml

Id = Annotated[str, typer.Argument(metavar="ID", help="The policy's id.")]
Version = Annotated[int, typer.Argument(metavar="VERSION", min=0, help="Its version.")]
Document = Annotated[Path, typer.Argument(help="A policy document, TOML.", exists=True, dir_okay=False)]


def list_policies(server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False) -> None:
    """List all versions of all policies, and mark the one in force.

    \b
    Example:
      activation admin policies list
    """
    items = client.Client.of(server, token_file).get("/policies").body["items"]
    tables.show(items, tables.policies, json=json)


def get_policy(
    id_: Id,
    version: Version,
    out: Annotated[Path | None, typer.Option(help="Write the document to a file, for editing.")] = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Show a policy document.

    \b
    Example:
      activation admin policies get export-2021-09 2 --out draft.toml
    """
    item = client.Client.of(server, token_file).get(_path(id_, version)).body
    if out is not None:
        output.write(out, item["text"])
    if json:
        output.as_json(item)
    elif out is None:
        output.say(item["text"], nl=False)


def put_policy(
    file: Document,
    reason: Reason,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Store a draft under the id and version in the document. A policy that was never in force can be replaced.

    \b
    Example:
      activation admin policies put draft.toml --reason "spare Crimea"
    """
    text = _read(file)
    try:
        document = toml.parse_toml(text)
        id_, version = str(document["id"]), int(document["version"])
    except (KeyError, TypeError, ValueError):
        output.exit_with_error(
            f"{file} states no id and version; `activation policy check {file}` shows the errors"
        )
    api = client.Client.of(server, token_file)
    stored = {(each["id"], each["version"]): each["etag"] for each in api.get("/policies").body["items"]}
    etag, path = stored.get((id_, version)), _path(id_, version)
    if_match = f'"{etag}"' if etag else None
    item = api.post(path, {"text": text, "reason": reason}, if_match=if_match, method="PUT").body
    done = f"{id_} version {version} is {'changed' if etag else 'stored'}; it is not put in force."
    tables.show(item, lambda _: [done], json=json)


def simulate(
    file: Document, server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False
) -> None:
    """Show what a draft would change for the devices that the server knows. Nothing is written.

    \b
    Example:
      activation admin policies simulate draft.toml
    """
    text = _read(file)
    result = client.Client.of(server, token_file).query("/policies/simulate", {"text": text}).body
    tables.show(result, tables.simulation, json=json)


def in_force(server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False) -> None:
    """Show which policy is in force, since when, by whom and why.

    \b
    Example:
      activation admin policies in-force
    """
    item = client.Client.of(server, token_file).get("/policies/in-force").body
    tables.show(item, tables.in_force, json=json)


def put_in_force(
    id_: Id,
    version: Version,
    reason: Reason,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Put a policy in force, in every server process on the database.

    \b
    Example:
      activation admin policies put-in-force export-2021-09 3 --reason "board decision 12"
    """
    api, path = client.Client.of(server, token_file), _path(id_, version)
    item = api.post(f"{path}/put-in-force", {"reason": reason}, if_match=api.get(path).etag).body
    tables.show(item, tables.in_force, json=json)


def roll_back(
    reason: Reason, server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False
) -> None:
    """Put the previous policy in force again, under a version higher than all that devices know.

    \b
    Example:
      activation admin policies roll-back --reason "locked the wrong phones"
    """
    api = client.Client.of(server, token_file)
    etag = api.get("/policies/in-force").etag
    item = api.post("/policies/roll-back", {"reason": reason}, if_match=etag).body
    tables.show(item, tables.in_force, json=json)


def _path(id_: str, version: int) -> str:
    return f"/policies/{client.quote_path(id_)}/{version}"


def _read(file: Path) -> str:
    try:
        return files.read_text(file, toml.FILE_MAX)
    except files.UnusableFileError as error:
        output.exit_with_error(f"{error}; name a policy document")
