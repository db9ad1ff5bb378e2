"""`activation admin unlock`."""

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.admin.options import SERVER, TOKEN_FILE, Json, Reason, Server, TokenFile


def unlock(
    challenge: Annotated[
        str, typer.Argument(help="What the lock screen shows; spaces and case do not count.")
    ],
    reason: Reason,
    case: Annotated[str | None, typer.Option(help="Case number; the phone's own if it is left out.")] = None,
    undelivered: Annotated[
        int, typer.Option(min=0, help="How many of the phone's newest verdicts never reached it.")
    ] = 0,
    qr: Annotated[Path | None, typer.Option(help="Write the code as a QR picture (PNG).")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the code to a file instead of printing it.")] = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Let the server sign the unlock code for the challenge of a lock screen.

    \b
    Example:
      activation admin unlock FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY --reason "ticket 7" --qr code.png
    """
    from lab.cli import output
    from lab.cli.admin.client import Client
    from lab.reports import qr as pictures

    body = {"challenge": challenge, "reason": reason, "case": case, "undelivered": undelivered}
    code = Client.of(server, token_file).post("/unlock-codes", body).body
    if qr is not None:
        try:
            output.write_octets(qr, pictures.to_png(code["token"]))
        except pictures.QrError as error:
            output.exit_with_error(str(error))
    if out is not None:
        output.write(out, code["token"] + "\n")
    if json:
        output.as_json(code)
    elif qr is None and out is None:
        typer.echo(code["token"])
    typer.echo(f"It unlocks this one phone within 24 hours; the case is {code['case']}.", err=True)
