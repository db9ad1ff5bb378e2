"""`activation matrix`."""

from typing import Annotated

import typer

SEED = typer.Option(help="The same seed gives the same phones, keys and verdicts.")


def matrix(
    profiles: Annotated[
        str | None, typer.Option(help="Firmware profiles, comma-separated; all by default.")
    ] = None,
    places: Annotated[str | None, typer.Option(help="Places, comma-separated; all by default.")] = None,
    seed: Annotated[str, SEED] = "2021",
    json: Annotated[bool, typer.Option("--json", help="A list of objects for machines.")] = False,
) -> None:
    """Switch on a phone for each pair of firmware profile and place, and show what becomes of it.

    A verdict server is started on a free port, and every request goes over HTTP.

    \b
    Example:
      activation matrix --profiles official-global,custom-aosp --places havana,paris
    """
    from lab.cli import output
    from lab.simulation.matrix import all_profiles, run
    from lab.simulation.simulation import Simulation
    from lab.world.places import load_places

    chosen = output.names(profiles, all_profiles(), "profile")
    where = output.names(places, list(load_places()), "place")
    with Simulation.open(seed) as simulation:
        results = list(run(simulation, chosen, where))
    if json:
        output.as_json([result.as_json() for result in results])
        return
    from lab.reports import tables

    output.show(tables.matrix(results))
