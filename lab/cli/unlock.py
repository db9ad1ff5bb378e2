"""`activation unlock`."""

from pathlib import Path
from typing import Annotated

import typer


def unlock(
    challenge: Annotated[
        str, typer.Argument(help="What the lock screen shows; spaces and case do not count.")
    ],
    db: Annotated[
        str,
        typer.Option("--db", "--database", help="The server's records: its SQLite file, or postgresql://…"),
    ] = "activation.sqlite",
    keys: Annotated[
        Path | None, typer.Option(help="Folder of the key repository; beside --db by default.")
    ] = None,
    algorithm: Annotated[
        str, typer.Option(help="What the code is signed with: Ed25519, ES256 or ML-DSA-65.")
    ] = "Ed25519",
    reason: Annotated[str, typer.Option(help="Why, for the records.")] = "unlock code",
    case: Annotated[str | None, typer.Option(help="Case number; the phone's own if it is left out.")] = None,
    undelivered: Annotated[
        int, typer.Option(min=0, help="How many of the phone's newest verdicts never reached it.")
    ] = 0,
    qr: Annotated[Path | None, typer.Option(help="Write the code as a QR picture (PNG).")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the code to a file instead of printing it.")] = None,
    seed: Annotated[str, typer.Option(help="Which vendor's keys; the server's seed.")] = "2021",
) -> None:
    """Sign the unlock code for the challenge of a lock screen: text to type, a file, or a QR picture.

    \b
    Example:
      activation unlock FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY --db activation.sqlite --qr code.png
      activation device --profile official-global --place havana --state phone --offline --code-qr code.png
    """
    from lab.cli.one_code import Wish, run
    from lab.cli.one_database import named

    run(
        Wish(
            challenge=challenge,
            db=named(db),
            keys=keys,
            algorithm=algorithm,
            reason=reason,
            case=case,
            undelivered=undelivered,
            qr=qr,
            out=out,
            seed=seed,
        )
    )
