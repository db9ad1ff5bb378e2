"""The key repository as far as this phone remembers it: a fetcher that reads the client's own folder."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from wire import key_repository as repository

_NAME: Final = re.compile(r"[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*\.json")
_ROOT: Final = re.compile(r"[0-9]+\.root\.json")
_VERSION: Final = re.compile(r"^[0-9]+\.")
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True)
class FlashFetcher(FetcherInterface):
    """Answers like the server, from what python-tuf has kept in `metadata`; what is not there is not found."""

    metadata: Path

    def _fetch(self, url: str) -> Iterator[bytes]:
        """The file, as a whole. Raises DownloadHTTPError.

        A target is never found here: python-tuf uses the one that it has kept, or there is none.
        """
        name = url.removeprefix(repository.METADATA_PATH)
        if not _NAME.fullmatch(name):
            raise DownloadHTTPError("not metadata", _NOT_FOUND)
        return iter((self._read(name),))

    def _read(self, name: str) -> bytes:
        """Roots are kept by version, the others by role."""
        kept = f"root_history/{name}" if _ROOT.fullmatch(name) else _VERSION.sub("", name)
        try:
            return (self.metadata / kept).read_bytes()
        except OSError:
            raise DownloadHTTPError(f"{name} is not at hand", _NOT_FOUND) from None
