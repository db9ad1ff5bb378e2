"""The server of `activation serve`: opened on its records and its key repository, run, and told about."""

import sys
from dataclasses import dataclass
from pathlib import Path

import typer
from pydantic import ValidationError

from lab.cli import output
from lab.cli.admin.token import write_token
from lab.manufacturer.key_rotation import KeyRotationHistory
from lab.manufacturer.manufacturer import Manufacturer
from server_stub.admin.context import AdminContext
from server_stub.admin.keys import KeyAdmin
from server_stub.api.limits.settings import LoadSettings, ServerLimits
from server_stub.api.logs import json_log
from server_stub.key_repository import KeyRepositoryError, VerdictSigner
from server_stub.policy.errors import PolicyError
from server_stub.reference_data.source_countries import SourceCountriesError
from server_stub.server import build_service, listen, system_clock
from server_stub.server import run as run_server
from server_stub.settings import Settings
from server_stub.signing.signing_key import Algorithm
from server_stub.store.database import Database
from server_stub.store.records import Store, StoreUnavailableError
from server_stub.store.sql import SqlStore


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user of the command asked for."""

    host: str
    port: int
    db: Database
    keys: Path | None
    algorithm: str
    seed: str

    @property
    def folder(self) -> Path:
        """Where the key repository lies."""
        return self.keys or self.db.beside("-keys")

    @property
    def token_file(self) -> Path:
        """Where the admin token is written when it is made."""
        return self.db.beside("-admin-token")


def run(wish: Wish) -> None:
    """Serve until interrupted. Stops with an error and an exit code where that cannot be done."""
    known = [algorithm.value for algorithm in Algorithm]
    algorithm = Algorithm(output.known_name(wish.algorithm, known, "algorithm"))
    try:
        listen(wish.host, wish.port).close()  # before anything is made that a failed start would leave behind
    except OSError as error:
        output.exit_with_error(_cannot_listen(wish, error), output.OUTSIDE)
    try:
        store = SqlStore(wish.db)
    except StoreUnavailableError as error:
        output.exit_with_error(
            f"cannot keep records in {wish.db}: {error}; choose another --db", output.OUTSIDE
        )
    try:
        _serve(wish, algorithm, store)
    except (PolicyError, SourceCountriesError) as error:
        output.exit_with_error(str(error))
    except KeyRepositoryError as error:
        output.exit_with_error(f"cannot publish keys: {error}; or choose another --keys", output.OUTSIDE)
    except OSError as error:
        output.exit_with_error(_cannot_listen(wish, error), output.OUTSIDE)
    finally:
        store.close()


def _cannot_listen(wish: Wish, error: OSError) -> str:
    return f"cannot listen on {wish.host} port {wish.port}: {error.strerror}; choose another --host or --port"


def _serve(wish: Wish, algorithm: Algorithm, store: Store) -> None:
    vendor, limits = Manufacturer(wish.seed), _server_limits()
    secrets, log = vendor.secrets_signing_by(algorithm), json_log(sys.stderr)
    with vendor.ceremony.open(wish.folder, secrets.signing_keys, system_clock) as repository:
        lineage = KeyRotationHistory(vendor, lambda: repository.keys)
        keyring = lineage.keyring(secrets.signing_keys)
        signer = VerdictSigner(keyring, lineage.listed, system_clock)
        if signer.key.algorithm is not algorithm:
            output.exit_with_error(
                f"{wish.folder} lists no key of {algorithm} that may sign; choose an empty --keys",
                output.OUTSIDE,
            )
        service = build_service(_settings(wish, algorithm, vendor), secrets, store, signer=signer)
        keys = KeyAdmin(repository, keyring, lineage.successor, system_clock)
        admin = AdminContext.of(service, keys=keys)
        token = first_token(wish, admin)
        run_server(
            service,
            wish.host,
            wish.port,
            lambda url: _announce(wish, url, token),
            repository=repository,
            admin=admin,
            log=log,
            limits=limits,
        )


def _server_limits() -> ServerLimits:
    """The bounds under load that the environment sets. Stops with an error that names the variable."""
    try:
        return LoadSettings().limits
    except ValidationError as error:
        [first, *_] = error.errors(include_url=False)
        name = f"ACTIVATION_SERVER_{str(first['loc'][0]).upper()}"
        output.exit_with_error(f"{name} cannot be used: {first['msg']}")


def _settings(wish: Wish, algorithm: Algorithm, vendor: Manufacturer) -> Settings:
    return Settings(
        host=wish.host,
        port=wish.port,
        database=wish.db,
        algorithm=algorithm,
        issuer=vendor.issuer,
        audience=vendor.audience,
    )


def first_token(wish: Wish, admin: AdminContext) -> str | None:
    """The admin token where this is the first start, None where there is one already."""
    token = admin.tokens.first()
    if token is not None:
        try:
            write_token(wish.token_file, token)
        except OSError as error:
            typer.echo(
                f"activation: cannot write {wish.token_file}: {error.strerror}; note the token", err=True
            )
    return token


def _announce(wish: Wish, url: str, token: str | None) -> None:
    typer.echo(f"The verdict server listens on {url} and keeps its records in {wish.db}.")
    typer.echo(f"It publishes its verdict keys from {wish.folder}.")
    typer.echo(f"Read its API at {url}/docs, or try in another terminal:")
    typer.echo(
        f"  activation device --profile official-global --place havana --seed {wish.seed} --server {url}"
    )
    file = wish.token_file
    if token is not None:
        typer.echo(f"The admin token is shown this once; {file} keeps it, for its owner's eyes only:")
        typer.echo(f"  {token}")
    elif not file.is_file():
        typer.echo(
            f"The admin token was made before; `activation admin token --db {wish.db}` makes a new one."
        )
    typer.echo(f"Operate it: activation admin devices search --server {url} --token-file {file}")
