"""`activation attack`."""

from pathlib import Path
from typing import Annotated

import typer


def attack(
    list_: Annotated[bool, typer.Option("--list", help="List the attacks and run none.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Run these attacks alone: ids, comma-separated or repeated.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write the attacks on tokens as test vectors into this folder.")
    ] = None,
    seed: Annotated[str, typer.Option(help="The same seed gives the same phones, keys and tokens.")] = "2021",
    workers: Annotated[int, typer.Option(min=1, help="Processes that attack side by side.")] = 2,
    json: Annotated[bool, typer.Option("--json", help="One object for machines.")] = False,
) -> None:
    """Run the attack catalogue against real phones and a real server. Exit code 1 if a defence does not hold.

    \b
    Example:
      activation attack --only alg-none,verdict-replayed
      activation attack --export vectors
    """
    from lab.attacks import formatting, vectors
    from lab.attacks.catalogue import BY_ID, CATALOGUE
    from lab.attacks.runner import run, summary
    from lab.cli import output

    wanted = _known(",".join(only), list(BY_ID)) if only else BY_ID
    chosen = [each for each in CATALOGUE if each.id in wanted]
    if list_:
        output.as_json([each.as_json() for each in chosen]) if json else output.show(
            formatting.listing(chosen)
        )
        return
    records = list(output.progress(run(seed, chosen, workers), "attacks", len(chosen)))
    if export is not None:
        _make(export)
        output.write(export / vectors.FILE, vectors.to_text(vectors.document(seed, records)))
    output.as_json(summary(records)) if json else output.show(formatting.results(records))
    if not all(record.met for record in records):
        raise typer.Exit(output.NOT_IN_ORDER)


def _known(text: str, ids: list[str]) -> list[str]:
    """The ids in `text`. Stops with an error that names the nearest ones where one is not known."""
    from difflib import get_close_matches

    from lab.cli import output

    wanted = [name.strip() for name in text.split(",") if name.strip()]
    for name in wanted:
        if name not in ids:
            near = get_close_matches(name, ids, n=3, cutoff=0.4)
            hint = f"did you mean {', '.join(near)}?" if near else "`activation attack --list` names them all"
            output.exit_with_error(f"no attack is called {name!r}; {hint}")
    return wanted or output.exit_with_error(
        "no attack named; leave the option out for all, or see `activation attack --list`"
    )


def _make(folder: Path) -> None:
    from lab.cli import output

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        output.exit_with_error(
            f"cannot make {folder}: {error.strerror}; choose another --export", output.OUTSIDE
        )
