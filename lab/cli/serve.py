"""`activation serve`."""

import ipaddress
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lab.cli import database as databases
from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import ALGORITHMS
from lab.cli.server_settings import usable_settings

with deferred():
    from lab.manufacturer import key_rotation, manufacturer
    from server_stub import clock, key_repository, server, settings
    from server_stub.admin import context, keys
    from server_stub.api import json_log
    from server_stub.api.limits import environment as limits
    from server_stub.signing import signing_key

PUBLIC_SEED: Final = "2021"
"""The default seed. Its keys are public: they derive from it."""

if TYPE_CHECKING:
    from server_stub.store.sql import SqlStore


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 selects a free one.")
    ] = 8021,
    db: Annotated[
        str,
        typer.Option("--db", "--database", help="Database of the records: SQLite file, or postgresql://…"),
    ] = "activation.sqlite",
    keys_folder: Annotated[
        Path | None,
        typer.Option(
            "--keys", help="Folder of the key repository, by default next to --db; created if it is empty."
        ),
    ] = None,
    algorithm: Annotated[
        str, typer.Option(help="Signature algorithm of verdicts: Ed25519, ES256 or ML-DSA-65.")
    ] = "Ed25519",
    seed: Annotated[
        str, typer.Option(help="Selects the manufacturer's keys; devices need the same seed.")
    ] = PUBLIC_SEED,
    allow_public_seed: Annotated[
        bool,
        typer.Option(
            "--allow-public-seed",
            help="Listen on an address that other machines reach although the keys of this seed are public.",
        ),
    ] = False,
) -> None:
    """Run the verdict server until it is interrupted.

    It serves at most 3000 requests a minute from one address and 30 from one device. The environment variables
    ACTIVATION_SERVER_RATE_PER_ADDRESS and ACTIVATION_SERVER_RATE_PER_DEVICE change these limits; `off` removes one.
    Inputs of verdicts and audit entries are kept for 184 days; ACTIVATION_SERVER_KEEP_DAYS changes that.
    All limits: docs/developers/limits.md.

    \b
    Example:
      activation serve --port 8021
      activation device --profile official-global --place havana --server http://127.0.0.1:8021
    """
    output.known_name(algorithm, ALGORITHMS, "algorithm")
    _check_host(host, seed, allow_public_seed=allow_public_seed)
    database = databases.parse_database(db)
    folder = keys_folder or database.beside("-keys")
    try:
        server.listen(host, port).close()  # first, so that a failed start leaves no files behind
        with databases.opened_store(database, "; choose another --db") as store, usable_settings():
            _serve(host, port, store, folder, signing_key.Algorithm(algorithm), seed)
    except key_repository.KeyRepositoryError as error:
        output.exit_with_error(f"cannot publish keys: {error}; or choose another --keys", output.ENVIRONMENT)
    except clock.ClockError as error:
        output.exit_with_error(f"cannot publish keys: {error.fault}", output.ENVIRONMENT)
    except OSError as error:
        output.exit_with_error(
            f"cannot listen on {host} port {port}: {error.strerror}; choose another --host or --port",
            output.ENVIRONMENT,
        )


def _check_host(host: str, seed: str, *, allow_public_seed: bool) -> None:
    """Exit with an error if `host` names no address, or would give other machines a server with public keys."""
    if not host.strip():
        output.exit_with_error("--host is empty; name an address, such as 127.0.0.1, or 0.0.0.0 for all")
    if seed == PUBLIC_SEED and not allow_public_seed and not _is_loopback(host):
        output.exit_with_error(
            f"the verdict keys of --seed {seed} are public, and {host} is an address that other machines may reach; "
            "choose another --seed, or add --allow-public-seed"
        )


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`. A name other than localhost can have any address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _serve(
    host: str, port: int, store: "SqlStore", folder: Path, algorithm: "signing_key.Algorithm", seed: str
) -> None:
    maker, load_limits = manufacturer.Manufacturer(seed), limits.LoadSettings().limits
    secrets, database = maker.secrets_signing_by(algorithm), store.database
    options = settings.Settings(
        host=host,
        port=port,
        database=database,
        algorithm=algorithm,
        issuer=maker.issuer,
        audience=maker.audience,
    )
    guard = clock.GuardedClock(clock.HostClock(), key_repository.newest_publication(folder))
    with maker.ceremony.open(folder, secrets.signing_keys, guard) as repository:
        history = key_rotation.KeyRotationHistory(maker, lambda: repository.keys)
        keyring = history.keyring(secrets.signing_keys)
        signer = key_repository.VerdictSigner(keyring, history.listed, guard)
        if guard.fault is None and signer.key.algorithm is not algorithm:
            output.exit_with_error(
                f"{folder} lists no {algorithm} key that may sign; choose an empty --keys", output.ENVIRONMENT
            )
        service = server.build_service(
            options,
            secrets,
            store,
            clock=guard,
            unchecked_clock=guard.unchecked,
            signer=signer,
        )
        admin = context.AdminContext.of(
            service, keys=keys.KeyAdmin(repository, keyring, history.successor, guard.unchecked)
        )
        token_file = database.beside("-admin-token")
        token = first_token(token_file, admin)

        def announce(url: str) -> None:
            output.say(f"The verdict server listens on {url} and stores its records in {database}.")
            output.say(f"It publishes its verdict keys from {folder}.")
            output.say(f"API documentation: {url}/docs. Try in another terminal:")
            output.say(
                f"  activation device --profile official-global --place havana --seed {seed} --server {url}"
            )
            if token is not None:
                output.say(f"The admin token, shown only now and stored in {token_file} (mode 0600):")
                output.say(f"  {token}")
            elif not token_file.is_file():
                output.say(
                    "An admin token exists; "
                    f"`activation admin token --db {database}` replaces it by a new one."
                )
            output.say(
                f"Operate it: activation admin devices search --server {url} --token-file {token_file}"
            )

        server.run(
            service,
            host,
            port,
            announce,
            repository=repository,
            admin=admin,
            log=json_log.json_log(sys.stderr),
            limits=load_limits,
            keep_days=options.keep_days,
        )


def first_token(file: Path, admin: "context.AdminContext") -> str | None:
    """The admin token, also written to `file`, at the first start with a database. None if one exists already."""
    token = admin.tokens.first()
    if token is not None:
        try:
            output.write_private(file, token)
        except OSError as error:
            output.say(f"activation: cannot write {file}: {error.strerror}; note the token", err=True)
    return token
