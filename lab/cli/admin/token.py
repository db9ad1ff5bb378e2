"""The admin token, made on the server's database: shown once, or written to a file that only its owner reads."""

import os
import secrets
from pathlib import Path

import typer

from lab.cli import output
from server_stub.admin.devices import LOCAL
from server_stub.admin.tokens import AdminTokens, TokenNameError
from server_stub.server import system_clock
from server_stub.store.database import Database, DatabaseError
from server_stub.store.records import StoreUnavailableError
from server_stub.store.sql import SqlStore


def rotate(place: str, name: str, file: Path | None, reason: str, *, json: bool) -> None:
    """Make a new token. Stops with an error and an exit code where that cannot be done."""
    try:
        database = Database(place)
    except DatabaseError as error:
        output.exit_with_error(str(error))
    if database.file is not None and not database.file.is_file():
        output.exit_with_error(
            f"no server keeps its records in {database}; choose the database of `activation serve`"
        )
    try:
        store = SqlStore(database)
    except StoreUnavailableError as error:
        output.exit_with_error(f"cannot use {database}: {error}", output.OUTSIDE)
    try:
        token = AdminTokens(store, system_clock, secrets.token_bytes).rotate(name, reason=reason, by=LOCAL)
    except TokenNameError as error:
        output.exit_with_error(f"--name: {error}")
    except StoreUnavailableError as error:
        output.exit_with_error(f"cannot use {database}: {error}", output.OUTSIDE)
    finally:
        store.close()
    _deliver(token, name, file, json=json)


def write_token(file: Path, token: str) -> None:
    """Write `token` to a file that only its owner reads. Raises OSError."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(token + "\n")


def _deliver(token: str, name: str, file: Path | None, *, json: bool) -> None:
    if file is not None:
        try:
            write_token(file, token)
        except OSError as error:
            output.exit_with_error(
                f"the token was replaced, but {file} cannot be written: {error.strerror}; run this again",
                output.OUTSIDE,
            )
    shown = {} if file else {"token": token}
    if json:
        output.as_json({"name": name, "file": str(file) if file else None, **shown})
    elif file:
        typer.echo(f"The token of {name} is in {file}; the one before has ended.")
    else:
        typer.echo(token)
        typer.echo(f"This is the token of {name}; it is shown this once. The one before has ended.", err=True)
