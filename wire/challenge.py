"""The response to `POST /v1/challenges`."""

from typing import Annotated

from pydantic import Field

from wire import limits
from wire.model import Message, Nonce


class Challenge(Message):
    """A nonce that authenticates itself and can be used once.

    `expires_in` is in seconds from receipt, so that a device with a wrong clock can use it too.
    """

    nonce: Nonce
    expires_in: Annotated[int, Field(ge=1, le=limits.NONCE_LIFETIME)]
