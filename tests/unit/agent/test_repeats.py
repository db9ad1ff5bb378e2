"""Which requests are repeated, how often, and until when."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ports import Answer, TransportError, TransportFault
from agent.repeats import REPEATS, check_time, repeated, without_limit
from wire import media

GOOD = Answer(200, media.JSON, b"{}")

Reply = Answer | TransportFault


def sender(replies: list[Reply], seconds: float = 0.0) -> tuple[Callable[[], Answer], list[float]]:
    """A request with these results in turn, and the times at which it was sent; each takes `seconds`."""
    sent: list[float] = []

    def send() -> Answer:
        sent.append(len(sent) * seconds)
        reply = replies[len(sent) - 1]
        if isinstance(reply, TransportFault):
            raise TransportError(reply, "planted")
        return reply

    return send, sent


def result(send: Callable[[], Answer], in_time: Callable[[], bool] = without_limit) -> Reply:
    try:
        return repeated(send, in_time)
    except TransportError as error:
        return error.fault


def status(code: int, retry_after: int | None = None) -> Answer:
    return Answer(code, media.PROBLEM, b"{}", retry_after)


REPEATED: tuple[Reply, ...] = (
    TransportFault.UNREACHABLE,
    TransportFault.TIMED_OUT,
    TransportFault.BROKEN_ANSWER,
    status(500),
    status(502),
    status(503),
    status(504),
)
FINAL: tuple[Reply, ...] = (
    TransportFault.TLS_FAILED,
    TransportFault.TOO_LARGE,
    TransportFault.REDIRECTED,
    status(400),
    status(404),
    status(408),
    status(429),
    status(429, 5),
    status(500, 5),
    status(503, 0),
    status(503, 5),
    Answer(200, "text/html", b"<html>"),
    GOOD,
)


def test_each_transport_fault_is_classified() -> None:
    assert {reply for reply in REPEATED + FINAL if isinstance(reply, TransportFault)} == set(TransportFault)


@pytest.mark.parametrize("reply", REPEATED)
@pytest.mark.parametrize("failures", range(REPEATS + 2))
def test_a_fault_of_line_or_server_is_repeated_twice(reply: Reply, failures: int) -> None:
    send, sent = sender([reply] * failures + [GOOD] * 4)
    assert result(send) == (GOOD if failures <= REPEATS else reply)
    assert len(sent) == min(failures, REPEATS) + 1


@pytest.mark.parametrize("reply", FINAL)
def test_a_response_of_any_sender_is_not_repeated(reply: Reply) -> None:
    send, sent = sender([reply, GOOD])
    assert result(send) == reply
    assert len(sent) == 1


@given(
    st.lists(st.sampled_from(REPEATED + FINAL), min_size=3, max_size=3), st.floats(0, 400), st.floats(0, 40)
)
def test_no_request_starts_after_the_deadline(replies: list[Reply], deadline: float, seconds: float) -> None:
    """The result is that of the last request; without one, the exchange took too long."""
    send, sent = sender(replies, seconds)
    outcome = result(send, lambda: len(sent) * seconds < deadline)
    assert all(at < deadline for at in sent)
    assert len(sent) <= REPEATS + 1
    assert outcome == (replies[len(sent) - 1] if sent else TransportFault.TIMED_OUT)


def test_a_request_after_the_deadline_counts_as_timed_out() -> None:
    check_time(lambda: True)
    with pytest.raises(TransportError) as caught:
        check_time(lambda: False)
    assert caught.value.fault is TransportFault.TIMED_OUT
