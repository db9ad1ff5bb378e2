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

    \b
    Example:
      activation serve --port 8021
      activation device --profile official-global --place havana --server http://127.0.0.1:8021
    """
    import sys

    from lab.cli import say
    from lab.vendor import Vendor
    from server_stub.api.logs import json_log
    from server_stub.key_repository import KeyRepositoryError, VerdictSigner
    from server_stub.server import build_service, run, system_clock
    from server_stub.settings import Settings
    from server_stub.signing import Algorithm
    from server_stub.store.records import StoreUnavailableError
    from server_stub.store.sql import SqlStore

    def announce(url: str) -> None:
        typer.echo(f"The verdict server listens on {url} and keeps its records in {db}.")
        typer.echo(f"It publishes its verdict keys from {folder}.")
        typer.echo(f"Read its API at {url}/docs, or try in another terminal:")
        typer.echo(
            f"  activation device --profile official-global --place havana --seed {seed} --server {url}"
        )

    chosen = Algorithm(say.known_name(algorithm, [known.value for known in Algorithm], "algorithm"))
    vendor, folder = Vendor(seed), keys or db.with_name(f"{db.stem}-keys")
    secrets = vendor.secrets_signing_by(chosen)
    settings = Settings(
        host=host,
        port=port,
        database=db,
        algorithm=chosen,
        issuer=vendor.issuer,
        audience=vendor.audience,
    )
    try:
        store = SqlStore(db)
    except StoreUnavailableError as error:
        say.fail(f"cannot keep records in {db}: {error}; choose another --db", say.OUTSIDE)
    try:
        with vendor.ceremony.open(folder, secrets.signing_keys, system_clock) as repository:
            signer = VerdictSigner(secrets.signing_keys, lambda: repository.keys, system_clock)
            if signer.key.algorithm is not chosen:
                say.fail(
                    f"{folder} lists no key of {chosen} that may sign; choose an empty --keys", say.OUTSIDE
                )
            service = build_service(settings, secrets, store, signer=signer)
            run(service, host, port, announce, repository=repository, log=json_log(sys.stderr))
    except KeyRepositoryError as error:
        say.fail(f"cannot publish keys: {error}; or choose another --keys", say.OUTSIDE)
    except OSError as error:
        say.fail(f"cannot listen on {host} port {port}: {error.strerror}; choose another --port", say.OUTSIDE)
    finally:
        store.close()
