"""Interprets HTTP responses: a challenge, a token to verify, or a classified failure. Pure."""

from typing import Final

from pydantic import ValidationError

from agent.core.events import Failed
from agent.core.screens import Trouble
from agent.ports import Answer, TransportError
from wire import media
from wire.challenge import Challenge
from wire.codes import ProblemCode
from wire.problem import Problem

NEW_CHALLENGE_NEEDED: Final = frozenset(
    {ProblemCode.CHALLENGE_EXPIRED.value, ProblemCode.CHALLENGE_SPENT.value}
)
"""Rejections after which a new challenge is needed."""


class ExchangeError(Exception):
    """The response is not usable. `failed` is the event for it."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(f"{failed.trouble}: {failed.code}")
        self.failed = failed


def challenge_in(response: Answer) -> Challenge:
    """The challenge of `POST /v1/challenges`. Raises ExchangeError."""
    _raise_for_status(response)
    if response.media_type != media.JSON:
        raise _not_from_server("not-json")
    try:
        return Challenge.model_validate_json(response.body)
    except ValidationError:
        raise _not_from_server("challenge-malformed") from None


def token_in(response: Answer) -> bytes:
    """The token of `POST /v1/verdicts`, not yet verified. Raises ExchangeError."""
    _raise_for_status(response)
    if response.media_type != media.VERDICT:
        raise _not_from_server("not-a-verdict")
    return response.body


def unreachable(error: TransportError) -> Failed:
    """The event for a request without a usable response."""
    return Failed(Trouble.UNREACHABLE, error.fault.value)


def _raise_for_status(response: Answer) -> None:
    if response.status in (429, 503):
        raise ExchangeError(Failed(Trouble.BUSY, _code_of(response), response.retry_after))
    # 408: the request arrived too slowly, because of the network.
    if response.status >= 500 or response.status == 408:
        raise ExchangeError(Failed(Trouble.UNREACHABLE, _code_of(response), response.retry_after))
    if response.status >= 400:
        code = _code_of(response)
        trouble = Trouble.BUSY if code in NEW_CHALLENGE_NEEDED else Trouble.REFUSED
        raise ExchangeError(Failed(trouble, code, response.retry_after))
    if response.status != 200:
        raise _not_from_server(f"status-{response.status}")


def _not_from_server(code: str) -> ExchangeError:
    """The response is from another sender, such as a captive portal, so the server counts as unreachable."""
    return ExchangeError(Failed(Trouble.UNREACHABLE, code))


def _code_of(response: Answer) -> str:
    """The stable code of a problem document, or else the status."""
    if response.media_type == media.PROBLEM:
        try:
            return Problem.model_validate_json(response.body).code.value
        except ValidationError:
            pass
    return f"status-{response.status}"
