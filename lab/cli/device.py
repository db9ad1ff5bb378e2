"""`activation device`."""

from pathlib import Path
from typing import Annotated

import typer


def device(
    profile: Annotated[str, typer.Option(help="Firmware profile; see `activation profiles`.")],
    place: Annotated[str, typer.Option(help="Where the phone is: havana, paris, …")],
    sim: Annotated[
        Path | None, typer.Option(help="A SIM from an ICC profile (XML), instead of the place's.")
    ] = None,
    modem: Annotated[
        str | None, typer.Option(help="A modem on this TTY, instead of the emulated one.")
    ] = None,
    server: Annotated[
        str | None, typer.Option(help="URL of a verdict server, instead of one of its own.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(help="Keep the phone's flash in this folder, and switch the same phone on again."),
    ] = None,
    code: Annotated[
        str | None,
        typer.Option(help="Give the lock screen the unlock code in this file, or - for standard input."),
    ] = None,
    code_qr: Annotated[
        Path | None, typer.Option(help="Give the lock screen the unlock code on this QR picture.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="No request leaves the phone.")] = False,
    locale: Annotated[str, typer.Option(help="The language that the user chooses.")] = "en",
    seed: Annotated[
        str, typer.Option(help="The same seed gives the same phone; its server needs it too.")
    ] = "2021",
    json: Annotated[bool, typer.Option("--json", help="One object for machines.")] = False,
) -> None:
    """Switch on one phone, walk it through its setup, and show what happened and its last screen.

    \b
    Example:
      activation device --profile official-global --place havana --locale es
    """
    from lab.cli import output
    from lab.cli.one_phone import Wish, run

    wish = Wish(
        profile=profile,
        place=place,
        sim=sim,
        modem=modem,
        server=server,
        locale=locale,
        seed=seed,
        state=state,
        code=code,
        code_qr=code_qr,
        offline=offline,
    )
    seen = run(wish)
    if json:
        output.as_json(seen.as_json())
        return
    output.show(*seen.as_tables())
