"""`activation admin clock`."""

from lab.cli.admin.options import SERVER, TOKEN_FILE, Json, Reason, Server, TokenFile
from lab.cli.lazy import deferred

with deferred():
    from lab.cli.admin import client, tables


def accept(
    reason: Reason, server: Server = SERVER, token_file: TokenFile = TOKEN_FILE, json: Json = False
) -> None:
    """Accept the server's clock as it is now, after it was wrong. Correct it first: devices take its time.

    The server signs all metadata again under the next clock number, and serves devices again. A clock that is right
    again by itself needs no acceptance.

    \b
    Example:
      activation admin clock accept --reason "time server was wrong, corrected"
    """
    accepted = client.Client.of(server, token_file).post("/clock/accept", {"reason": reason}).body
    tables.show(accepted, tables.clock_accepted, json=json)
