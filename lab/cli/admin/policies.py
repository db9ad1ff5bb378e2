"""`activation admin policies`."""

from pathlib import Path
from typing import Annotated

import typer

from lab.cli import output
from lab.cli.admin.client import Client, quote_path
from lab.cli.admin.options import Reason, admin_command
from lab.cli.lazy import deferred

with deferred():
    from lab.cli.admin import tables
    from text_input import files, toml

Id = Annotated[str, typer.Argument(metavar="ID", help="The policy's id.")]
Version = Annotated[int, typer.Argument(metavar="VERSION", min=0, help="Its version.")]
Document = Annotated[Path, typer.Argument(help="A policy document, TOML.", exists=True, dir_okay=False)]


@admin_command
def list_policies(api: Client) -> None:
    """List all versions of all policies, and mark the one in force.

    \b
    Example:
      activation admin policies list
    """
    api.show(api.get("/policies").body["items"], tables.policies)


@admin_command
def get_policy(
    api: Client,
    id_: Id,
    version: Version,
    out: Annotated[Path | None, typer.Option(help="Write the document to a file, for editing.")] = None,
) -> None:
    """Show a policy document.

    \b
    Example:
      activation admin policies get export-2021-09 2 --out draft.toml
    """
    item = api.get(_path(id_, version)).body
    if out is not None:
        output.write(out, item["text"])
    if api.as_json:
        output.as_json(item)
    elif out is None:
        output.say(item["text"], nl=False)


@admin_command
def put_policy(api: Client, file: Document, reason: Reason) -> None:
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
    stored = {(each["id"], each["version"]): each["etag"] for each in api.get("/policies").body["items"]}
    etag, path = stored.get((id_, version)), _path(id_, version)
    if_match = f'"{etag}"' if etag else None
    item = api.post(path, {"text": text, "reason": reason}, if_match=if_match, method="PUT").body
    done = f"{id_} version {version} is {'changed' if etag else 'stored'}; it is not put in force."
    api.show(item, lambda _: [done])


@admin_command
def simulate(api: Client, file: Document) -> None:
    """Show what a draft would change for the devices that the server knows. Nothing is written.

    \b
    Example:
      activation admin policies simulate draft.toml
    """
    api.show(api.query("/policies/simulate", {"text": _read(file)}).body, tables.simulation)


@admin_command
def in_force(api: Client) -> None:
    """Show which policy is in force, since when, by whom and why.

    \b
    Example:
      activation admin policies in-force
    """
    api.show(api.get("/policies/in-force").body, tables.in_force)


@admin_command
def put_in_force(api: Client, id_: Id, version: Version, reason: Reason) -> None:
    """Put a policy in force, in every server process on the database.

    \b
    Example:
      activation admin policies put-in-force export-2021-09 3 --reason "board decision 12"
    """
    path = _path(id_, version)
    item = api.post(f"{path}/put-in-force", {"reason": reason}, if_match=api.get(path).etag).body
    api.show(item, tables.in_force)


@admin_command
def roll_back(api: Client, reason: Reason) -> None:
    """Put the previous policy in force again, under a version higher than all that devices know.

    \b
    Example:
      activation admin policies roll-back --reason "locked the wrong phones"
    """
    etag = api.get("/policies/in-force").etag
    item = api.post("/policies/roll-back", {"reason": reason}, if_match=etag).body
    api.show(item, tables.in_force)


def _path(id_: str, version: int) -> str:
    return f"/policies/{quote_path(id_)}/{version}"


def _read(file: Path) -> str:
    try:
        return files.read_text(file, toml.FILE_MAX)
    except files.UnusableFileError as error:
        output.exit_with_error(f"{error}; name a policy document")
