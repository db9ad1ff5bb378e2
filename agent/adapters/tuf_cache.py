"""The cached part of the key repository: a fetcher that reads the folder of the TUF client."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from wire import key_repository as repository
from wire import limits

_NAME: Final = re.compile(r"[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*\.json")
_ROOT: Final = re.compile(r"[0-9]+\.root\.json")
_VERSION: Final = re.compile(r"^[0-9]+\.")
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True)
class CacheFetcher(FetcherInterface):
    """Responds like the server, with the files that python-tuf has stored in `metadata`. Other files are not found."""

    metadata: Path

    def _fetch(self, url: str) -> Iterator[bytes]:
        """The file in one piece, of at most the length of a response. Raises DownloadHTTPError.

        Targets are not found: python-tuf uses the stored one, if there is one, without a request.
        """
        name = url.removeprefix(repository.METADATA_PATH)
        if not _NAME.fullmatch(name):
            raise DownloadHTTPError("not metadata", _NOT_FOUND)
        # Roots are stored by version, other metadata by role.
        stored = f"root_history/{name}" if _ROOT.fullmatch(name) else _VERSION.sub("", name)
        try:
            with (self.metadata / stored).open("rb") as file:
                return iter((file.read(limits.BODY_MAX),))
        except OSError:
            raise DownloadHTTPError(f"{name} is not cached", _NOT_FOUND) from None
