"""The HTTP adapter with single responses; the integration tests use a real connection."""

from typing import Any

import pytest
import requests
import responses

from agent.adapters.http import RequestsTransport
from agent.ports import Answer, TransportError, TransportFault
from wire import limits

ORIGIN = "http://verdict.example"
URL = ORIGIN + "/v1/challenges"


def post() -> Answer:
    return RequestsTransport(ORIGIN).post(
        "/v1/challenges", b"{}", content_type="application/json", accept="application/json"
    )


def answer(**changes: Any) -> Answer:
    with responses.RequestsMock() as wire:
        wire.post(URL, **{"body": b"{}", "content_type": "application/json", **changes})
        return post()


def fault(**changes: Any) -> TransportFault:
    with pytest.raises(TransportError) as caught:
        answer(**changes)
    return caught.value.fault


@pytest.mark.parametrize("status", [200, 400, 404, 413, 429, 500, 503])
def test_status_other_than_a_redirect_is_returned(status: int) -> None:
    """The caller interprets the status."""
    assert answer(status=status).status == status


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["http://elsewhere.example/", "/v1/other"])
def test_redirect_is_rejected(status: int, target: str) -> None:
    """The origin is pinned."""
    assert fault(status=status, headers={"Location": target}) is TransportFault.REDIRECTED


def test_body_one_byte_above_the_limit_is_rejected() -> None:
    """Counts received bytes and ignores the length in the header."""
    assert len(answer(body=bytes(limits.BODY_MAX)).body) == limits.BODY_MAX
    assert fault(body=bytes(limits.BODY_MAX + 1)) is TransportFault.TOO_LARGE


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "zstd"])
def test_compressed_response_is_rejected_unread(encoding: str) -> None:
    """A small body could decompress to a very large one."""
    assert fault(headers={"Content-Encoding": encoding}) is TransportFault.BROKEN_ANSWER


def test_media_type_has_no_parameters_and_is_lower_case() -> None:
    assert answer(content_type="Application/JSON; charset=utf-8").media_type == "application/json"


DATE = "Wed, 08 Sep 2021 12:00:00 GMT"
LATER = "Wed, 08 Sep 2021 12:05:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "99999999999999999999"}, limits.RETRY_AFTER_MAX),
        ({"Retry-After": "0000000001000"}, 1000),
        ({"Retry-After": "Wed, 08 Sep 99999999999999999999 12:05:00 GMT", "Date": DATE}, None),
        ({"Retry-After": "Wed, 08 Sep 2021 12:05:00 +99999999999999999999", "Date": DATE}, None),
        ({"Retry-After": "Wed, 08 Sep 2031 12:05:00 GMT", "Date": DATE}, limits.RETRY_AFTER_MAX),
        ({"Retry-After": LATER, "Date": DATE}, 300),
        ({"Retry-After": DATE, "Date": LATER}, 0),
        ({"Retry-After": LATER}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": "Wed, 08 Sep 2021 12:05:00", "Date": DATE}, None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date_is_bounded(headers: dict[str, str], seconds: int | None) -> None:
    """A date is relative to `Date` of the response, because the device's clock can be wrong."""
    headers = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    assert answer(status=503, headers=headers).retry_after == seconds


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (requests.exceptions.ConnectTimeout(), TransportFault.TIMED_OUT),
        (requests.exceptions.ReadTimeout(), TransportFault.TIMED_OUT),
        (requests.exceptions.SSLError(), TransportFault.TLS_FAILED),
        (requests.exceptions.ConnectionError(), TransportFault.UNREACHABLE),
        (requests.exceptions.ProxyError(), TransportFault.UNREACHABLE),
        (requests.exceptions.ChunkedEncodingError(), TransportFault.BROKEN_ANSWER),
        (requests.exceptions.InvalidHeader(), TransportFault.BROKEN_ANSWER),
        (OSError("cable"), TransportFault.BROKEN_ANSWER),
    ],
)
def test_every_failure_is_a_transport_error(error: Exception, named: TransportFault) -> None:
    assert fault(body=error) is named


def test_environment_proxy_and_password_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    with responses.RequestsMock() as wire:
        wire.post(URL, body=b"{}", content_type="application/json")
        post()
        sent = wire.calls[0].request
        assert sent.url == URL
        assert set(sent.headers) == {
            "Content-Type",
            "Accept",
            "Accept-Encoding",
            "Content-Length",
            "User-Agent",
        }


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "verdict.example",
        "ftp://x",
        "http://",
        "http://h/path",
        "http://u:p@h",
        "http://h?q=1",
        "http://h#f",
        "http://h:99999",
        "http://h:0",
        "http://[::1",
    ],
)
def test_invalid_origin_is_rejected_by_the_constructor(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        RequestsTransport(origin)
