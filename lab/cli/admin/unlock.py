"""`activation admin unlock`."""

from lab.cli import output
from lab.cli.admin.options import SERVER, TOKEN_FILE, Json, Reason, Server, TokenFile
from lab.cli.lazy import deferred
from lab.cli.options import Case, Challenge, CodeFile, CodePicture, Undelivered
from lab.cli.unlock import print_validity, write_code

with deferred():
    from lab.cli.admin import client


def unlock(
    challenge: Challenge,
    reason: Reason,
    case: Case = None,
    undelivered: Undelivered = 0,
    qr: CodePicture = None,
    out: CodeFile = None,
    server: Server = SERVER,
    token_file: TokenFile = TOKEN_FILE,
    json: Json = False,
) -> None:
    """Request the unlock code for the challenge on a lock screen from the server.

    \b
    Example:
      activation admin unlock FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY --reason "ticket 7" --qr code.png
    """
    body = {"challenge": challenge, "reason": reason, "case": case, "undelivered": undelivered}
    code = client.Client.of(server, token_file).post("/unlock-codes", body).body
    write_code(code["token"], qr, out)
    if json:
        output.as_json(code)
    elif qr is None and out is None:
        output.say(code["token"])
    print_validity(code["case"])
