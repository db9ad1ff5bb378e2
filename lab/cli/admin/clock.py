"""`activation admin clock`."""

from lab.cli.admin.client import Client
from lab.cli.admin.options import Reason, admin_command
from lab.cli.lazy import deferred

with deferred():
    from lab.cli.admin import tables


@admin_command
def accept(api: Client, reason: Reason) -> None:
    """Accept the server's clock as it is now, after it was wrong. Correct it first: devices take its time.

    The server signs all metadata again under the next clock number, and serves devices again. A clock that is right
    again by itself needs no acceptance.

    \b
    Example:
      activation admin clock accept --reason "time server was wrong, corrected"
    """
    api.show(api.post("/clock/accept", {"reason": reason}).body, tables.clock_accepted)
