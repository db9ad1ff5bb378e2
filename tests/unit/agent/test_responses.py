"""What each kind of HTTP answer means for the exchange: who can mend it decides how soon the phone asks again."""

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
    """What both readers of answers make of it; they must agree on everything that is no success."""
    with pytest.raises(ExchangeError) as challenged:
        challenge_in(answer)
    with pytest.raises(ExchangeError) as judged:
        token_in(answer)
    if answer.status != 200:
        assert challenged.value.failed == judged.value.failed
    return challenged.value.failed


def test_a_challenge_and_a_token_are_read() -> None:
    """What the failures below are measured against."""
    assert challenge_in(Answer(200, JSON, CHALLENGE)).nonce == "abcdefgh"
    assert token_in(Answer(200, JWT, b"a.b.c")) == b"a.b.c"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("retry_after", [None, 0, 77])
def test_a_busy_server_is_obeyed(status: int, retry_after: int | None) -> None:
    """429 and 503 say when to come back, and the phone hands that on."""
    found = failed(Answer(status, PROBLEM, problem(ProblemCode.UNAVAILABLE, status), retry_after))
    assert (found.trouble, found.code, found.retry_after) == (Trouble.BUSY, "unavailable", retry_after)


@pytest.mark.parametrize("status", [408, 500, 502, 504, 599])
def test_a_broken_server_is_out_of_reach(status: int) -> None:
    """The same question may be answered in a moment."""
    assert failed(Answer(status, HTML, b"<h1>", 5)) == Failed(Trouble.UNREACHABLE, f"status-{status}", 5)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 422])
def test_a_refusal_is_a_refusal(status: int) -> None:
    """The same question will get the same answer, so the phone waits long."""
    code = ProblemCode.EVIDENCE_CLAIMS_INVALID
    assert failed(Answer(status, PROBLEM, problem(code, status))).trouble is Trouble.REFUSED
    assert failed(Answer(status, PROBLEM, problem(code, status))).code == code.value
    assert failed(Answer(status, PROBLEM, b"{")).code == f"status-{status}"
    assert failed(Answer(status, JSON, problem(code, status))).code == f"status-{status}"


@pytest.mark.parametrize("code", [ProblemCode.CHALLENGE_EXPIRED, ProblemCode.CHALLENGE_SPENT])
def test_a_challenge_that_came_too_late_is_asked_for_again_soon(code: ProblemCode) -> None:
    """A new challenge mends it; an hour's wait would punish a slow network."""
    assert failed(Answer(409, PROBLEM, problem(code, 409))).trouble is Trouble.BUSY


@pytest.mark.parametrize("status", [201, 202, 204, 206, 100])
def test_a_success_that_is_none_comes_from_somebody_else(status: int) -> None:
    """The contract knows 200 alone."""
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
def test_a_captive_portal_is_no_challenge(answer: Answer, code: str) -> None:
    """HTML with 200, or JSON that is something else: for the phone the server is out of reach."""
    with pytest.raises(ExchangeError) as caught:
        challenge_in(answer)
    assert caught.value.failed == Failed(Trouble.UNREACHABLE, code)


@pytest.mark.parametrize("media_type", [HTML, JSON, "", "text/plain"])
def test_a_captive_portal_is_no_verdict_either(media_type: str) -> None:
    """It never reaches the verifier, so nobody is told that an untrusted answer came."""
    with pytest.raises(ExchangeError) as caught:
        token_in(Answer(200, media_type, b"a.b.c"))
    assert caught.value.failed == Failed(Trouble.UNREACHABLE, "not-a-verdict")


@pytest.mark.parametrize("fault", TransportFault)
def test_every_fault_of_the_transport_keeps_its_name(fault: TransportFault) -> None:
    """The journal shows which one it was."""
    assert unreachable(TransportError(fault, "detail")) == Failed(Trouble.UNREACHABLE, fault.value)
