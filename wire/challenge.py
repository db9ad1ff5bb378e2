"""`POST /v1/challenges`: the answer."""

from typing import Annotated

from pydantic import Field

from wire import limits
from wire.model import Message, Nonce


class Challenge(Message):
    """A nonce that authenticates itself and may be spent once.

    `expires_in` is in seconds from receipt, so that a phone with a wrong clock can still tell.
    """

    nonce: Nonce
    expires_in: Annotated[int, Field(ge=1, le=limits.NONCE_LIFETIME)]
