"""The fetcher translates each response into an error of python-tuf that contains no part of the response."""

from dataclasses import dataclass

import pytest
from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError

from agent.adapters.tuf_errors import BusyError, NoResponseError, TufFault, tuf_errors
from agent.adapters.tuf_fetcher import PortFetcher
from agent.ports import Answer, KeySourceError, TransportError, TransportFault
from wire import media


@dataclass
class Always:
    """`agent.ports.Downloads` with one response to every request."""

    answer: Answer | TransportError

    def get(self, path: str, *, accept: str) -> Answer:
        assert (path, accept) == ("/tuf/x", media.JSON)
        if isinstance(self.answer, TransportError):
            raise self.answer
        return self.answer


def rejected(answer: Answer | TransportError) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        PortFetcher(Always(answer)).fetch("/tuf/x")
    return caught.value


def test_only_json_with_status_200_is_accepted() -> None:
    """A captive portal responds with status 200 and a page."""
    assert b"".join(PortFetcher(Always(Answer(200, media.JSON, b"{}"))).fetch("/tuf/x")) == b"{}"
    for answer in (
        Answer(200, "text/html", b"{}"),
        Answer(204, media.JSON, b""),
        Answer(302, media.JSON, b""),
    ):
        error = rejected(answer)
        assert (type(error), str(error)) == (NoResponseError, "the response is not from the server")


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (429, BusyError, "status 429"),
        (503, BusyError, "status 503"),
        (500, NoResponseError, "status 500"),
        (502, NoResponseError, "status 502"),
        (499, DownloadHTTPError, "status 499"),
        (400, DownloadHTTPError, "status 400"),
    ],
)
def test_error_contains_the_status(status: int, kind: type[DownloadError], words: str) -> None:
    error = rejected(Answer(status, media.PROBLEM, b"{}", retry_after=9))
    assert (type(error), str(error)) == (kind, words)
    assert getattr(error, "status_code", status) == status


def test_transport_error_is_reported_with_its_fault() -> None:
    """A response that is too large is a separate error."""
    for fault in TransportFault:
        error = rejected(TransportError(fault, "detail"))
        large = fault is TransportFault.TOO_LARGE
        assert isinstance(error, DownloadLengthMismatchError if large else NoResponseError)
        assert str(error) == ("detail" if large else fault.value)


def test_key_source_error_has_the_type_of_its_cause_and_retry_after() -> None:
    """A message of the library could quote the repository."""
    with pytest.raises(KeySourceError) as caught, tuf_errors():
        raise BusyError(429, 77)
    error = caught.value
    assert (error.code, error.detail, error.retry_after) == (TufFault.BUSY.value, "BusyError", 77)
