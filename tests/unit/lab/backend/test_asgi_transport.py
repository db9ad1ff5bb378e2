"""The way to a server in the same process judges answers as the phone's own HTTP does."""

import pytest

from agent.ports import TransportError, TransportFault
from lab.backend.asgi_transport import InProcessTransport, RawAnswer, judged
from wire import limits

HEADERS = {"content-type": "application/JSON; charset=utf-8"}


def test_the_media_type_comes_without_parameters_and_in_small_letters() -> None:
    """As `agent.ports.Answer` has it."""
    assert judged(RawAnswer(200, HEADERS, b"{}")).media_type == "application/json"


@pytest.mark.parametrize(
    ("value", "seconds"), [("5", 5), ("", None), ("soon", None), ("99999999", limits.RETRY_AFTER_MAX)]
)
def test_retry_after_is_in_seconds_and_bounded(value: str, seconds: int | None) -> None:
    """RFC 9110 section 10.2.3; no server may impose more than the longest wait."""
    assert judged(RawAnswer(503, {"retry-after": value}, b"")).retry_after == seconds


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (RawAnswer(302, {"location": "/"}, b""), TransportFault.REDIRECTED),
        (RawAnswer(200, {}, b"x" * (limits.BODY_MAX + 1)), TransportFault.TOO_LARGE),
    ],
)
def test_what_may_not_be_read_is_a_fault(raw: RawAnswer, fault: TransportFault) -> None:
    """Redirects and bodies that are too long."""
    with pytest.raises(TransportError) as raised:
        judged(raw)
    assert raised.value.fault is fault


def test_a_server_that_does_not_run_is_out_of_reach() -> None:
    """As a port on which nothing listens."""
    with pytest.raises(TransportError) as raised:
        InProcessTransport(lambda: None).get("/healthz", accept="*/*")
    assert raised.value.fault is TransportFault.UNREACHABLE
