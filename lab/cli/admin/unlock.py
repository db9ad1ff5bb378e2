"""`activation admin unlock`."""

from lab.cli import output
from lab.cli.admin.client import Client
from lab.cli.admin.options import Reason, admin_command
from lab.cli.options import Case, Challenge, CodeFile, CodePicture, Undelivered
from lab.cli.unlock import print_validity, write_code


@admin_command
def unlock(
    api: Client,
    challenge: Challenge,
    reason: Reason,
    case: Case = None,
    undelivered: Undelivered = 0,
    qr: CodePicture = None,
    out: CodeFile = None,
) -> None:
    """Request the unlock code for the challenge on a lock screen from the server.

    \b
    Example:
      activation admin unlock FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY --reason "ticket 7" --qr code.png
    """
    body = {"challenge": challenge, "reason": reason, "case": case, "undelivered": undelivered}
    code = api.post("/unlock-codes", body).body
    write_code(code["token"], qr, out)
    if api.as_json:
        output.as_json(code)
    elif qr is None and out is None:
        output.say(code["token"])
    print_validity(code["case"])
