"""Options that all commands of `activation admin` have."""

from pathlib import Path
from typing import Annotated, Final

import typer

SERVER: Final = "http://127.0.0.1:8021"
TOKEN_FILE: Final = Path("activation-admin-token")

Server = Annotated[
    str, typer.Option("--server", envvar="ACTIVATION_ADMIN_SERVER", help="URL of the verdict server.")
]
TokenFile = Annotated[
    Path,
    typer.Option(
        "--token-file", help="The file that `activation serve` made; ACTIVATION_ADMIN_TOKEN goes before it."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="What the server answered, for machines.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit log.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Most lines.")]
Device = Annotated[str, typer.Argument(metavar="DEVICE", help="The device's pseudonym (d-…), or its IMEI.")]


def group(help_: str, example: str) -> typer.Typer:
    """A group of commands."""
    return typer.Typer(
        help=help_,
        epilog=f"Example: {example}",
        no_args_is_help=True,
        rich_markup_mode=None,
        add_completion=False,
    )
