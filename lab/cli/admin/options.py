"""Options that the commands of `activation admin` share."""

from pathlib import Path
from typing import Annotated, Final

import typer

from lab.cli import output
from lab.cli.lazy import deferred

with deferred():
    from lab.inspection import inputs

SERVER: Final = "http://127.0.0.1:8021"
TOKEN_FILE: Final = Path("activation-admin-token")

Server = Annotated[
    str, typer.Option("--server", envvar="ACTIVATION_ADMIN_SERVER", help="URL of the verdict server.")
]
TokenFile = Annotated[
    Path,
    typer.Option(
        "--token-file",
        help="The file that `activation serve` wrote; ACTIVATION_ADMIN_TOKEN takes precedence.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the server's response as JSON.")]
Reason = Annotated[str, typer.Option("--reason", help="Reason, for the audit log.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Maximum number of rows.")]
Device = Annotated[str, typer.Argument(metavar="DEVICE", help="The device's pseudonym (d-…), or its IMEI.")]
At = Annotated[str | None, typer.Option(help="Time: seconds or ISO 8601; now by default.")]


def parse_time(text: str | None, option: str) -> int | None:
    """Seconds since the epoch. Exits with an error that names `option`."""
    try:
        return None if text is None else inputs.read_time(text, option)
    except inputs.InputError as error:
        output.exit_with_error(str(error))
