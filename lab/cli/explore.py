"""`activation explore`."""

from pathlib import Path
from typing import Annotated

import typer

PROFILE = typer.Option(help="Firmware profiles, comma-separated; all by default.")
REPLAY = typer.Option(help="Tell a story again that --json wrote, move by move.", exists=True, dir_okay=False)
MUTANT = typer.Option(
    help="Search one planted defect, by its name as --mutants --json gives it, and show the story."
)
SAMPLE = typer.Option(help="With --mutants: hunt this many, chosen by the seed; 0 hunts all.", min=0)


def explore(
    profile: Annotated[str | None, PROFILE] = None,
    mutants: Annotated[
        bool, typer.Option("--mutants", help="Plant defects; report how many are found.")
    ] = False,
    mutant: Annotated[str | None, MUTANT] = None,
    sample: Annotated[int, SAMPLE] = 0,
    seed: Annotated[str, typer.Option(help="Chooses the sample.")] = "2021",
    replay: Annotated[Path | None, REPLAY] = None,
    json: Annotated[bool, typer.Option("--json", help="One object for machines.")] = False,
) -> None:
    """Search everything that can happen to a phone, and hold every invariant in every state of it.

    The production tables, sealing rule and verifier run against a server that may say anything, an attacker without
    a key, power cuts, full disks, reboots, resets, users and time. Stops with 1 where an invariant is broken, where the
    search is not complete, or where fewer than 95 % of the planted defects are found.

    \b
    Example:
      activation explore
      activation explore --profile official-global,custom-aosp --json
      activation explore --mutants
      activation explore --mutant "persist: write" --json > story.json
      activation explore --replay story.json
    """
    from lab.cli import explored

    if replay is not None:
        explored.tell(replay, json=json)
    elif mutant is not None:
        explored.one_mutant(mutant, json=json)
    elif mutants:
        explored.all_mutants(sample, seed, json=json)
    else:
        explored.firmware(profile, json=json)
