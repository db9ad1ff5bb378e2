"""What an HTTP answer means for the exchange: a challenge, a token to verify, or a classed failure. Pure."""

from typing import Final

from pydantic import ValidationError

from agent.core.events import Failed
from agent.core.screens import Trouble
from agent.ports import Answer, TransportError
from wire import media
from wire.challenge import Challenge
from wire.codes import ProblemCode
from wire.problem import Problem

ASK_AGAIN: Final = frozenset({ProblemCode.CHALLENGE_EXPIRED.value, ProblemCode.CHALLENGE_SPENT.value})
"""Refusals that a new challenge mends."""


class ExchangeError(Exception):
    """The answer is not what was asked for. `failed` is the event that says so."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(f"{failed.trouble}: {failed.code}")
        self.failed = failed


def challenge_in(answer: Answer) -> Challenge:
    """The challenge of `POST /v1/challenges`. Raises ExchangeError."""
    _refuse_error(answer)
    if answer.media_type != media.JSON:
        raise _captive("not-json")
    try:
        return Challenge.model_validate_json(answer.body)
    except ValidationError:
        raise _captive("challenge-malformed") from None


def token_in(answer: Answer) -> bytes:
    """The token of `POST /v1/verdicts`, not yet verified. Raises ExchangeError."""
    _refuse_error(answer)
    if answer.media_type != media.VERDICT:
        raise _captive("not-a-verdict")
    return answer.body


def unreachable(error: TransportError) -> Failed:
    """The event for a request that got no answer that may be read."""
    return Failed(Trouble.UNREACHABLE, error.fault.value)


def _refuse_error(answer: Answer) -> None:
    if answer.status in (429, 503):
        raise ExchangeError(Failed(Trouble.BUSY, _code_of(answer), answer.retry_after))
    # A request that came too slowly says something of the way to the server, and nothing of the phone.
    if answer.status >= 500 or answer.status == 408:
        raise ExchangeError(Failed(Trouble.UNREACHABLE, _code_of(answer), answer.retry_after))
    if answer.status >= 400:
        code = _code_of(answer)
        trouble = Trouble.BUSY if code in ASK_AGAIN else Trouble.REFUSED
        raise ExchangeError(Failed(trouble, code, answer.retry_after))
    if answer.status != 200:
        raise _captive(f"status-{answer.status}")


def _captive(code: str) -> ExchangeError:
    """Somebody else answered, such as a captive portal: for the phone the server is out of reach."""
    return ExchangeError(Failed(Trouble.UNREACHABLE, code))


def _code_of(answer: Answer) -> str:
    """The stable code of a problem document; anything else is known by its status alone."""
    if answer.media_type == media.PROBLEM:
        try:
            return Problem.model_validate_json(answer.body).code.value
        except ValidationError:
            pass
    return f"status-{answer.status}"
