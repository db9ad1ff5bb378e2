"""Options that the commands of `activation admin` share."""

import functools
import inspect
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from lab.cli.admin.client import TOKEN_FILE, Client
from lab.cli.lazy import deferred
from lab.cli.options import Command, option, with_parameters

with deferred():
    from lab.inspection import inputs

Json = Annotated[bool, typer.Option("--json", help="Print the server's response as JSON.")]
Reason = Annotated[str, typer.Option("--reason", help="Reason, for the audit log.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Maximum number of rows.")]
Device = Annotated[str, typer.Argument(metavar="DEVICE", help="The device's pseudonym (d-…), or its IMEI.")]
At = Annotated[str | None, typer.Option(help="Time: seconds or ISO 8601; now by default.")]

_SERVER: Final = (
    option(
        "server",
        Annotated[
            str, typer.Option("--server", envvar="ACTIVATION_ADMIN_SERVER", help="URL of the verdict server.")
        ],
        "http://127.0.0.1:8021",
    ),
    option(
        "token_file",
        Annotated[
            Path,
            typer.Option(
                "--token-file",
                help="The file that `activation serve` wrote; ACTIVATION_ADMIN_TOKEN takes precedence.",
            ),
        ],
        TOKEN_FILE,
    ),
    option("json", Json, default=False),
)


def admin_command(command: Command) -> Command:
    """Give a command the options --server, --token-file and --json. It gets the `Client` as its first argument."""

    @functools.wraps(command)
    def run(*arguments: Any, server: str, token_file: Path, json: bool, **options: Any) -> None:
        command(Client(server, token_file, as_json=json), *arguments, **options)

    own = list(inspect.signature(command).parameters.values())[1:]
    return with_parameters(run, [*own, *_SERVER])


def parse_time(text: str | None, option: str) -> int | None:
    """Seconds since the epoch. Raises InputError, which names `option`."""
    return None if text is None else inputs.read_time(text, option)
