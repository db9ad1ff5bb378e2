"""The in-process transport checks responses as the device's own HTTP does."""

import pytest

from agent.ports import TransportError, TransportFault
from lab.backend.asgi_transport import AsgiResponse, InProcessTransport, checked
from wire import limits

HEADERS = {"content-type": "application/JSON; charset=utf-8"}


def test_media_type_has_no_parameters_and_is_in_lower_case() -> None:
    assert checked(AsgiResponse(200, HEADERS, b"{}")).media_type == "application/json"


@pytest.mark.parametrize(
    ("value", "seconds"), [("5", 5), ("", None), ("soon", None), ("99999999", limits.RETRY_AFTER_MAX)]
)
def test_retry_after_is_in_seconds_and_at_most_the_longest_wait(value: str, seconds: int | None) -> None:
    assert checked(AsgiResponse(503, {"retry-after": value}, b"")).retry_after == seconds


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        (AsgiResponse(302, {"location": "/"}, b""), TransportFault.REDIRECTED),
        (AsgiResponse(200, {}, b"x" * (limits.BODY_MAX + 1)), TransportFault.TOO_LARGE),
    ],
)
def test_redirect_or_too_long_body_raises_transport_error(
    response: AsgiResponse, fault: TransportFault
) -> None:
    with pytest.raises(TransportError) as raised:
        checked(response)
    assert raised.value.fault is fault


def test_stopped_server_is_unreachable() -> None:
    with pytest.raises(TransportError) as raised:
        InProcessTransport(lambda: None).get("/healthz", accept="*/*")
    assert raised.value.fault is TransportFault.UNREACHABLE
