"""`activation matrix`."""

from typing import Annotated

import typer

from firmware_profiles import loader
from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Json, ModemDialect, Seed
from lab.world import places as place_table

with deferred():
    from lab.backend import http_host
    from lab.reports import tables
    from lab.simulation import matrix as matrices
    from lab.simulation import simulation


def matrix(
    profiles: Annotated[
        str | None,
        typer.Option(help="Firmware profiles or paths of TOML files, comma-separated; all by default."),
    ] = None,
    places: Annotated[
        str | None, typer.Option(help="Places or paths, comma-separated; all by default.")
    ] = None,
    seed: Seed = "2021",
    modem_dialect: ModemDialect = None,
    json: Json = False,
) -> None:
    """Run one device for each pair of firmware profile and place, and show the outcome.

    A verdict server is started on a free port; every request goes over HTTP.

    \b
    Example:
      activation matrix --profiles official-global,custom-aosp --places havana,paris
    """
    where = output.names(places, list(place_table.load_places()), "place", paths=True)
    named = output.names(profiles, list(loader.names()), "profile", paths=True)
    chosen_places = [place_table.resolve_place(name) for name in where]
    chosen = [loader.find(name) for name in (matrices.all_profiles() if profiles is None else named)]
    with simulation.Simulation(seed, host=http_host.HttpHost, modem_dialect=modem_dialect) as opened:
        results = list(matrices.run(opened, chosen, chosen_places))
    output.result([result.as_json() for result in results], tables.matrix(results), json=json)
