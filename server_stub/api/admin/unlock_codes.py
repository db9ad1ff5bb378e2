"""Unlock codes: a signed verdict that answers the challenge on the lock screen of a device without a network."""

from typing import Annotated

from pydantic import Field, StringConstraints

from server_stub.api.admin.base_models import ResponseModel
from server_stub.api.admin.devices import Decided
from server_stub.api.admin.route import resource
from server_stub.api.admin.writes import WriteRequest, write_route
from wire.unlock import UnlockChallenge

router = resource("/unlock-codes")


class UnlockCodeRequest(Decided):
    """`challenge` is the text on the lock screen; spaces, hyphens and case are ignored.

    `undelivered` is how many of the newest verdicts did not reach the device.
    """

    challenge: Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\u0000]*$")] = (
        Field(repr=False, examples=["FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY"])
    )
    undelivered: Annotated[int, Field(ge=0, le=1000)] = 0


class UnlockCodeShown(ResponseModel):
    """The code is `token`, a compact JWS: to type, as a file, or as a QR code. It is valid until `expires`."""

    sub: str
    token: str = Field(repr=False)
    serial: int
    case: str | None
    expires: int


@write_route(router, "", UnlockCodeShown, {201: "The code."}, 404, 409)
def create_unlock_code(request: WriteRequest, body: UnlockCodeRequest) -> UnlockCodeShown:
    """Sign the code that unlocks one locked device, which can be offline."""
    challenge = UnlockChallenge.parse(body.challenge)
    code = request.devices.unlock_code(
        challenge, reason=body.reason, case=body.case, undelivered=body.undelivered
    )
    verdict = code.verdict
    return UnlockCodeShown(
        sub=verdict.sub, token=code.token, serial=verdict.serial, case=verdict.case, expires=verdict.exp
    )
