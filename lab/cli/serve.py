"""`activation serve`."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8021,
    db: Annotated[
        str,
        typer.Option(
            "--db", "--database", help="What keeps devices and verdicts: a SQLite file, or postgresql://…"
        ),
    ] = "activation.sqlite",
    keys: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the key repository; beside --db by default. An empty one gets a new repository."
        ),
    ] = None,
    algorithm: Annotated[
        str, typer.Option(help="What verdicts are signed with: Ed25519, ES256 or ML-DSA-65.")
    ] = "Ed25519",
    seed: Annotated[str, typer.Option(help="Which vendor's keys; phones need the same seed.")] = "2021",
) -> None:
    """Run the verdict server until it is interrupted.

    It answers 3000 requests a minute of one address and 30 of one phone; ACTIVATION_SERVER_RATE_PER_ADDRESS and
    ACTIVATION_SERVER_RATE_PER_DEVICE set that, off turns it off. See docs/developers/limits.md.

    \b
    Example:
      activation serve --port 8021
      activation device --profile official-global --place havana --server http://127.0.0.1:8021
    """
    from lab.cli.one_database import named
    from lab.cli.one_server import Wish, run

    run(Wish(host=host, port=port, db=named(db), keys=keys, algorithm=algorithm, seed=seed))
