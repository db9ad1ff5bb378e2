"""Downloads for python-tuf over the `Downloads` port: one origin, limits on size and time, repeats, no redirects."""

from collections.abc import Callable, Iterator
from typing import Final

from tuf.api.exceptions import DownloadHTTPError, DownloadLengthMismatchError
from tuf.ngclient import FetcherInterface

from agent.adapters.tuf_errors import BusyError, NoResponseError
from agent.ports import Downloads, TransportError, TransportFault
from agent.repeats import repeated, without_limit
from wire import media

_BUSY: Final = (429, 503)


class PortFetcher(FetcherInterface):
    """A fetcher whose URLs are paths on the pinned origin."""

    def __init__(self, downloads: Downloads, in_time: Callable[[], bool] = without_limit) -> None:
        self._downloads = downloads
        self._in_time = in_time

    def _fetch(self, url: str) -> Iterator[bytes]:
        """The body in one piece. Raises DownloadError and its subclasses."""
        try:
            response = repeated(lambda: self._downloads.get(url, accept=media.JSON), self._in_time)
        except TransportError as error:
            if error.fault is TransportFault.TOO_LARGE:
                raise DownloadLengthMismatchError(error.detail) from error
            raise NoResponseError(error.fault.value) from error
        if response.status in _BUSY:
            raise BusyError(response.status, response.retry_after)
        if response.status >= 500:
            raise NoResponseError(f"status {response.status}", response.retry_after)
        if response.status >= 400:
            raise DownloadHTTPError(f"status {response.status}", response.status)
        if response.status != 200 or response.media_type != media.JSON:
            raise NoResponseError("the response is not from the server")
        return iter((response.body,))
