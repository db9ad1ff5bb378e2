"""Option types that several commands share."""

from pathlib import Path
from typing import Annotated, Final

import typer

from lab.cli.lazy import deferred

with deferred():
    import firmware_profiles
    from lab.world import places


def _complete_profile(incomplete: str) -> list[str]:
    return [name for name in firmware_profiles.names() if name.startswith(incomplete)]


def _complete_place(incomplete: str) -> list[str]:
    return [name for name in places.load_places() if name.startswith(incomplete)]


ALGORITHMS: Final = ["Ed25519", "ES256", "ML-DSA-65"]
"""Names of the signature algorithms of verdicts."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Seed = Annotated[str, typer.Option(help="The same seed gives the same devices, keys and verdicts.")]
Profile = Annotated[
    str, typer.Option(help="Firmware profile; see `activation profiles`.", autocompletion=_complete_profile)
]
Place = Annotated[
    str, typer.Option(help="Where the device is: havana, paris, …", autocompletion=_complete_place)
]
ServerDatabase = Annotated[
    str, typer.Option("--db", "--database", help="The server's database: SQLite file, or postgresql://…")
]
Case = Annotated[str | None, typer.Option(help="Case number; the device's own by default.")]
Challenge = Annotated[
    str, typer.Argument(help="The challenge on the lock screen; spaces and case are ignored.")
]
Undelivered = Annotated[
    int, typer.Option(min=0, help="How many of the newest verdicts did not reach the device.")
]
CodePicture = Annotated[Path | None, typer.Option(help="Write the code as a QR picture (PNG).")]
CodeFile = Annotated[Path | None, typer.Option(help="Write the code to a file instead of printing it.")]
