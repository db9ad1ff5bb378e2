"""Unlock codes: the challenge of a lock screen in, the verdict that answers it out."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from server_stub.api.admin.base_models import ResponseModel
from server_stub.api.admin.device_models import Decided
from server_stub.api.admin.problems import responses
from server_stub.api.admin.route import resource
from server_stub.api.admin.writes import WriteDependency, WriteRequest, WriteResponse, written
from wire.unlock import UnlockChallenge

router = resource("/unlock-codes")


class Challenged(Decided):
    """`challenge` is what the lock screen shows; spaces, hyphens and case do not count.

    `undelivered` says how many of the phone's newest verdicts never reached it.
    """

    challenge: Annotated[str, StringConstraints(min_length=1, max_length=256)] = Field(
        repr=False, examples=["FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY"]
    )
    undelivered: Annotated[int, Field(ge=0, le=1000)] = 0


class UnlockCodeShown(ResponseModel):
    """The code is `token`, a compact JWS: to type, as a file, or as a QR picture. It lives until `expires`."""

    sub: str
    token: str = Field(repr=False)
    serial: int
    case: str | None
    expires: int


@router.post(
    "",
    status_code=201,
    response_model=UnlockCodeShown,
    responses={**written(UnlockCodeShown, "The code.", 201), **responses(400, 404, 409, 413, 415)},
)
def create(task: WriteDependency, wish: Challenged) -> Any:
    """Sign the code that unlocks one locked phone, which need not be online."""
    asked = UnlockChallenge.parse(wish.challenge)
    return task.execute(lambda errand: _sign(errand, asked, wish))


def _sign(errand: WriteRequest, asked: UnlockChallenge, wish: Challenged) -> WriteResponse:
    code = errand.operators.unlock_code(
        asked, reason=wish.reason, case=wish.case, undelivered=wish.undelivered
    )
    verdict = code.verdict
    shown = UnlockCodeShown(
        sub=verdict.sub, token=code.token, serial=verdict.serial, case=verdict.case, expires=verdict.exp
    )
    return WriteResponse(shown, 201)
