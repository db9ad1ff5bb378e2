"""What python-tuf downloads, over the phone's own HTTP: one origin, bounded octets, bounded time, no redirect."""

from collections.abc import Iterator
from typing import Final

from tuf.api.exceptions import DownloadHTTPError, DownloadLengthMismatchError
from tuf.ngclient import FetcherInterface

from agent.adapters.tuf_errors import BusyError, NoResponseError
from agent.ports import Answer, Downloads, TransportError, TransportFault
from wire import media

_BUSY: Final = (429, 503)


class PortFetcher(FetcherInterface):
    """A fetcher whose URLs are paths on the origin that the image pins."""

    def __init__(self, downloads: Downloads) -> None:
        self._downloads = downloads

    def _fetch(self, url: str) -> Iterator[bytes]:
        """The body, as a whole. Raises DownloadError and its kinds."""
        return iter((self._body(url),))

    def _body(self, path: str) -> bytes:
        try:
            answer = self._downloads.get(path, accept=media.JSON)
        except TransportError as error:
            if error.fault is TransportFault.TOO_LARGE:
                raise DownloadLengthMismatchError(error.detail) from error
            raise NoResponseError(error.fault.value) from error
        return _accepted(answer)


def _accepted(answer: Answer) -> bytes:
    if answer.status in _BUSY:
        raise BusyError(answer.status, answer.retry_after)
    if answer.status >= 500:
        raise NoResponseError(f"status {answer.status}")
    if answer.status >= 400:
        raise DownloadHTTPError(f"status {answer.status}", answer.status)
    if answer.status != 200 or answer.media_type != media.JSON:
        raise NoResponseError("somebody else answered")
    return answer.body
