"""Interpretation of HTTP responses: the class of a failure determines the delay of the retry."""

import json

import pytest

from agent.core.events import Failed
from agent.core.screens import Trouble
from agent.ports import Answer, TransportError, TransportFault
from agent.responses import ExchangeError, challenge_in, token_in, unreachable
from wire.codes import ProblemCode

JSON, JWT, PROBLEM, HTML = "application/json", "application/jwt", "application/problem+json", "text/html"
CHALLENGE = b'{"nonce": "abcdefgh", "expires_in": 300}'


def problem(code: ProblemCode, status: int) -> bytes:
    document = {"type": "about:blank", "title": "t", "status": status, "code": code.value, "detail": "d"}
    return json.dumps(document).encode()


def failed(answer: Answer) -> Failed:
    """The failure from both readers of responses, which must be equal."""
    with pytest.raises(ExchangeError) as challenged:
        challenge_in(answer)
    with pytest.raises(ExchangeError) as judged:
        token_in(answer)
    if answer.status != 200:
        assert challenged.value.failed == judged.value.failed
    return challenged.value.failed


def test_challenge_and_token_are_read() -> None:
    assert challenge_in(Answer(200, JSON, CHALLENGE)).nonce == "abcdefgh"
    assert token_in(Answer(200, JWT, b"a.b.c")) == b"a.b.c"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("retry_after", [None, 0, 77])
def test_status_429_or_503_gives_busy_with_retry_after(status: int, retry_after: int | None) -> None:
    found = failed(Answer(status, PROBLEM, problem(ProblemCode.UNAVAILABLE, status), retry_after))
    assert (found.trouble, found.code, found.retry_after) == (Trouble.BUSY, "unavailable", retry_after)


@pytest.mark.parametrize("status", [408, 500, 502, 504, 599])
def test_server_error_counts_as_unreachable(status: int) -> None:
    assert failed(Answer(status, HTML, b"<h1>", 5)) == Failed(Trouble.UNREACHABLE, f"status-{status}", 5)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 422])
def test_client_error_counts_as_refused(status: int) -> None:
    code = ProblemCode.EVIDENCE_CLAIMS_INVALID
    assert failed(Answer(status, PROBLEM, problem(code, status))).trouble is Trouble.REFUSED
    assert failed(Answer(status, PROBLEM, problem(code, status))).code == code.value
    assert failed(Answer(status, PROBLEM, b"{")).code == f"status-{status}"
    assert failed(Answer(status, JSON, problem(code, status))).code == f"status-{status}"


@pytest.mark.parametrize("code", [ProblemCode.CHALLENGE_EXPIRED, ProblemCode.CHALLENGE_SPENT])
def test_expired_challenge_counts_as_busy(code: ProblemCode) -> None:
    """A new challenge helps, so the delay is short."""
    assert failed(Answer(409, PROBLEM, problem(code, 409))).trouble is Trouble.BUSY


@pytest.mark.parametrize("status", [201, 202, 204, 206, 100])
def test_other_success_status_counts_as_unreachable(status: int) -> None:
    assert failed(Answer(status, JSON, CHALLENGE)) == Failed(Trouble.UNREACHABLE, f"status-{status}")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(200, HTML, b"<form>"), "not-json"),
        (Answer(200, JWT, CHALLENGE), "not-json"),
        (Answer(200, "", CHALLENGE), "not-json"),
        (Answer(200, JSON, b"{"), "challenge-malformed"),
        (Answer(200, JSON, b'{"nonce": "abcdefgh"}'), "challenge-malformed"),
        (Answer(200, JSON, b'{"nonce": "a b", "expires_in": 300}'), "challenge-malformed"),
        (Answer(200, JSON, b'{"nonce": "abcdefgh", "expires_in": 9999}'), "challenge-malformed"),
    ],
)
def test_response_of_a_captive_portal_is_not_a_challenge(answer: Answer, code: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        challenge_in(answer)
    assert caught.value.failed == Failed(Trouble.UNREACHABLE, code)


@pytest.mark.parametrize("media_type", [HTML, JSON, "", "text/plain"])
def test_response_of_a_captive_portal_is_not_a_verdict(media_type: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        token_in(Answer(200, media_type, b"a.b.c"))
    assert caught.value.failed == Failed(Trouble.UNREACHABLE, "not-a-verdict")


@pytest.mark.parametrize("fault", TransportFault)
def test_transport_fault_is_the_code_of_the_failure(fault: TransportFault) -> None:
    assert unreachable(TransportError(fault, "detail")) == Failed(Trouble.UNREACHABLE, fault.value)
