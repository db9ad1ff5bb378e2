"""`activation admin policies` and `activation admin campaigns`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lab.cli.admin.options import SERVER, TOKEN_FILE, Json, Reason, Server, TokenFile, group

policies = group(
    "Policies: put drafts, simulate them, put one in force, roll back.",
    "activation admin policies put export-2021-10.toml --reason draft",
)
campaigns = group(
    "Campaigns: measures with a beginning and an end.",
    'activation admin campaigns lift investigation --reason "results are in"',
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The policy's id.")]
Version = Annotated[int, typer.Argument(metavar="VERSION", min=0, help="Its version.")]
Campaign = Annotated[str, typer.Argument(metavar="ID", help="The campaign's id, as policies name it.")]
At = Annotated[str | None, typer.Option(help="When: seconds or ISO 8601; else now.")]


@policies.command("list")
def list_policies(server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False) -> None:
    """List all versions of all policies; the one in force is marked.

    \b
    Example:
      activation admin policies list
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client

    items = Client.of(server, token_file).get("/policies").body["items"]
    output.as_json(items) if json else tables.show_policies(items)


@policies.command("get")
def get_policy(
    id_: Id,
    version: Version,
    out: Annotated[Path | None, typer.Option(help="Write the document to a file, to edit it.")] = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Show a policy document.

    \b
    Example:
      activation admin policies get export-2021-09 1 --out draft.toml
    """
    from lab.cli import output
    from lab.cli.admin.client import Client

    item = Client.of(server, token_file).get(_path(id_, version)).body
    if out is not None:
        output.write(out, item["text"])
    if json:
        output.as_json(item)
    elif out is None:
        typer.echo(item["text"], nl=False)


@policies.command("put")
def put_policy(
    file: Annotated[Path, typer.Argument(help="A policy document, TOML.", exists=True, dir_okay=False)],
    reason: Reason,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Put a draft under the id and version that it states, or change it while it was never in force.

    \b
    Example:
      activation admin policies put draft.toml --reason "spare Crimea"
    """
    from lab.cli import output
    from lab.cli.admin.client import Client

    client = Client.of(server, token_file)
    text, id_, version = _document(file)
    known = {(each["id"], each["version"]): each["etag"] for each in client.get("/policies").body["items"]}
    etag = known.get((id_, version))
    if_match = f'"{etag}"' if etag else None
    item = client.post(
        _path(id_, version), {"text": text, "reason": reason}, if_match=if_match, method="PUT"
    ).body
    if json:
        output.as_json(item)
    else:
        typer.echo(f"{id_} version {version} is {'changed' if etag else 'put'}; it is not in force by that.")


@policies.command()
def simulate(
    file: Annotated[Path, typer.Argument(help="A policy document, TOML.", exists=True, dir_okay=False)],
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Say what a draft would do to the devices that the server knows. Changes nothing.

    \b
    Example:
      activation admin policies simulate draft.toml
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client

    found = Client.of(server, token_file).ask("/policies/simulate", {"text": _read(file)}).body
    output.as_json(found) if json else tables.show_simulation(found)


@policies.command("in-force")
def in_force(server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False) -> None:
    """Show which policy decides, since when, by whom and why.

    \b
    Example:
      activation admin policies in-force
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client

    item = Client.of(server, token_file).get("/policies/in-force").body
    output.as_json(item) if json else tables.show_in_force(item)


@policies.command("put-in-force")
def put_in_force(
    id_: Id,
    version: Version,
    reason: Reason,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Let a policy decide from now on, in every process on the database.

    \b
    Example:
      activation admin policies put-in-force export-2021-09 2 --reason "board decision 12"
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client

    client = Client.of(server, token_file)
    etag = client.get(_path(id_, version)).etag
    item = client.post(f"{_path(id_, version)}/put-in-force", {"reason": reason}, if_match=etag).body
    output.as_json(item) if json else tables.show_in_force(item)


@policies.command("roll-back")
def roll_back(
    reason: Reason, server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False
) -> None:
    """Let the policy decide again that was in force before, under a version above all that phones have seen.

    \b
    Example:
      activation admin policies roll-back --reason "locked the wrong phones"
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client

    client = Client.of(server, token_file)
    etag = client.get("/policies/in-force").etag
    item = client.post("/policies/roll-back", {"reason": reason}, if_match=etag).body
    output.as_json(item) if json else tables.show_in_force(item)


@campaigns.command("list")
def list_campaigns(server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False) -> None:
    """List what operators said of campaigns.

    \b
    Example:
      activation admin campaigns list
    """
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client

    items = Client.of(server, token_file).get("/campaigns").body["items"]
    output.as_json(items) if json else tables.show_campaigns(items)


@campaigns.command()
def start(
    id_: Campaign,
    reason: Reason,
    at: At = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Begin a campaign, whatever the policy document says of its dates.

    \b
    Example:
      activation admin campaigns start investigation --reason "grey market"
    """
    _campaign("/campaigns", {"id": id_, "reason": reason}, at, (server, token_file), json=json)


@campaigns.command()
def lift(
    id_: Campaign,
    reason: Reason,
    at: At = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Lift a campaign.

    \b
    Example:
      activation admin campaigns lift investigation --reason "results are in"
    """
    from lab.cli.admin.client import quote_path

    _campaign(f"/campaigns/{quote_path(id_)}/lift", {"reason": reason}, at, (server, token_file), json=json)


def _campaign(path: str, body: dict[str, Any], at: str | None, to: Any, *, json: bool) -> None:
    from lab.cli import output
    from lab.cli.admin import tables
    from lab.cli.admin.client import Client
    from lab.cli.admin.times import seconds

    item = Client.of(*to).post(path, {**body, "at": seconds(at, "--at")}).body
    output.as_json(item) if json else tables.show_campaigns([item])


def _path(id_: str, version: int) -> str:
    from lab.cli.admin.client import quote_path

    return f"/policies/{quote_path(id_)}/{version}"


def _read(file: Path) -> str:
    from lab.cli import output

    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        output.exit_with_error(f"{file} cannot be read as text in UTF-8; name a policy document")


def _document(file: Path) -> tuple[str, str, int]:
    """The text with its id and version; all else about it is the server's to judge."""
    import tomllib

    from lab.cli import output

    text = _read(file)
    try:
        known = tomllib.loads(text)
        return text, str(known["id"]), int(known["version"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError):
        output.exit_with_error(
            f"{file} states no id and version; `activation policy check {file}` says what is wrong"
        )
