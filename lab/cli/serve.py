"""`activation serve`."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8021,
    db: Annotated[Path, typer.Option(help="SQLite file that keeps devices and verdicts.")] = Path(
        "activation.sqlite"
    ),
    seed: Annotated[str, typer.Option(help="Which vendor's keys; phones need the same seed.")] = "2021",
) -> None:
    """Run the verdict server until it is interrupted.

    \b
    Example:
      activation serve --port 8021
      activation device --profile official-global --place havana --server http://127.0.0.1:8021
    """
    import sys

    from lab.cli import say
    from lab.vendor import Vendor
    from server_stub.api.logs import json_log
    from server_stub.server import build_service, run
    from server_stub.settings import Settings
    from server_stub.store.records import StoreUnavailableError
    from server_stub.store.sql import SqlStore

    def announce(url: str) -> None:
        typer.echo(f"The verdict server listens on {url} and keeps its records in {db}.")
        typer.echo(f"Read its API at {url}/docs, or try in another terminal:")
        typer.echo(
            f"  activation device --profile official-global --place havana --seed {seed} --server {url}"
        )

    vendor = Vendor(seed)
    settings = Settings(host=host, port=port, database=db, issuer=vendor.issuer, audience=vendor.audience)
    try:
        store = SqlStore(db)
    except StoreUnavailableError as error:
        say.fail(f"cannot keep records in {db}: {error}; choose another --db", say.OUTSIDE)
    try:
        service = build_service(settings, vendor.secrets, store)
        run(service, host, port, announce, log=json_log(sys.stderr))
    except OSError as error:
        say.fail(f"cannot listen on {host} port {port}: {error.strerror}; choose another --port", say.OUTSIDE)
    finally:
        store.close()
