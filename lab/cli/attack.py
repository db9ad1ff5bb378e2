"""`activation attack`."""

from pathlib import Path
from typing import Annotated

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Json, Seed

with deferred():
    from lab.attacks import catalogue, formatting, runner, vectors


def attack(
    list_: Annotated[bool, typer.Option("--list", help="List the attacks and run none.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Run only these attacks: ids, comma-separated or repeated.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write the attacks on tokens as test vectors into this folder.")
    ] = None,
    seed: Seed = "2021",
    workers: Annotated[int, typer.Option(min=1, help="Processes that run attacks in parallel.")] = 2,
    json: Json = False,
) -> None:
    """Run the attack catalogue against devices and a server. Exit code 1 if a defence fails.

    \b
    Example:
      activation attack --only alg-none,verdict-replayed
      activation attack --export vectors
    """
    listing = "`activation attack --list` lists all"
    wanted = output.names(",".join(only) if only else None, list(catalogue.BY_ID), "attack", listing)
    chosen = [each for each in catalogue.CATALOGUE if each.id in wanted]
    if list_:
        output.result([each.as_json() for each in chosen], formatting.listing(chosen), json=json)
        return
    records = list(output.progress(runner.run(seed, chosen, workers), "attacks", len(chosen)))
    if export is not None:
        try:
            export.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            output.exit_with_error(
                f"cannot create {export}: {error.strerror}; choose another --export", output.ENVIRONMENT
            )
        output.write(export / vectors.FILE, vectors.to_text(vectors.document(seed, records)))
    output.result(runner.summary(records), formatting.results(records), json=json)
    if not all(record.met for record in records):
        raise typer.Exit(output.CHECK_FAILED)
