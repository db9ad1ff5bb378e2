"""`activation places`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Json
from lab.cli.profiles import list_rows, report_validity

with deferred():
    from lab.world import places as place_table
    from text_input import files as text_files

app = typer.Typer(
    epilog="Example: activation places show havana",
    rich_markup_mode=None,
    add_completion=False,
    invoke_without_command=True,
)


@app.callback()
def places(context: typer.Context, json: Json = False) -> None:
    """List the places of the lab, show one, or validate files."""
    if context.invoked_subcommand is None:
        list_places(json=json)


@app.command("list")
def list_places(json: Json = False) -> None:
    """List the places of the lab.

    \b
    Example:
      activation places list --json
    """
    rows = [_as_json(place) for place in place_table.load_places().values()]
    columns = {name: name for name in ("name", "address", "networks", "sentence")}
    list_rows(rows, "Places", columns, json=json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A place's name, or the path of a TOML file.")],
    json: Json = False,
) -> None:
    """Show a place: its position, its networks, and the cards of a device there.

    \b
    Example:
      activation places show havana
      activation places show ./lab.toml --json
    """
    place = place_table.resolve_place(name)
    if json:
        output.as_json(_as_json(place))
        return
    path = name.partition("#")[0]
    file = Path(path) if text_files.is_path(path) else place_table.SHIPPED
    output.say(place_table.table_text(file, place.name))


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(help="Files of places (TOML).")],
    json: Json = False,
) -> None:
    """Validate files of places; an error names file, line and key. Exit code 1 if a file is not valid.

    \b
    Example:
      activation places validate lab.toml
    """

    report_validity(files, place_table.read_places, json=json)


def _as_json(place: "place_table.Place") -> dict[str, Any]:
    """The place, with its networks as it transmits them."""
    return {
        "name": place.name,
        "sentence": place.sentence,
        "position": [place.location.latitude, place.location.longitude],
        "address": place.address,
        "wifi": place.wifi.model_dump(mode="json", exclude_none=True),
        "sims": [sim and f"{sim.mcc}-{sim.mnc}" for sim in place.sims],
        "networks": [
            {
                "plmn": f"{network.plmn.mcc}-{network.plmn.mnc}",
                "area": network.area,
                "cell": network.cell,
                "bands": [str(band) for band in sorted(network.bands)],
                "guests": network.guests.value,
            }
            for network in place.networks
        ],
    }
