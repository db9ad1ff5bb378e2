"""The key repository as this device accepted it last, in one file.

python-tuf stores each file as soon as it has received it. If a refresh ends in the middle, its files belong to two
publications and are rejected together. An unlock code needs keys that belong together, so a complete and accepted
refresh is copied to one file, which is replaced atomically.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import Base64Bytes, BaseModel, ConfigDict, ValidationError
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from agent.adapters.sealed_file import replace_file
from wire import key_repository as repository
from wire import limits

FILE: Final = "accepted.json"

_ROLES: Final = ("timestamp.json", "snapshot.json", "targets.json", f"{repository.ROLE}.json")
_VERSION_OF_ROLE: Final = re.compile(r"^[0-9]+\.(?!root\.json$)")
_LONGEST: Final = 2 * limits.BODY_MAX * (repository.ROOT_ROTATIONS_MAX + len(_ROLES) + 1)
_NOT_FOUND: Final = 404


class AcceptedFiles(BaseModel):
    """Roots by version (`2.root.json`), other metadata by role (`timestamp.json`), and the target."""

    model_config = ConfigDict(frozen=True)

    metadata: dict[str, Base64Bytes]
    target: Base64Bytes | None

    @classmethod
    def read(cls, folder: Path) -> "AcceptedFiles":
        """The files accepted last, or those that an earlier release stored one by one. Raises OSError."""
        try:
            with (folder / FILE).open("rb") as file:
                return cls.model_validate_json(file.read(_LONGEST))
        except (FileNotFoundError, ValidationError):
            return cls.stored_by_client(folder)

    @classmethod
    def stored_by_client(cls, folder: Path) -> "AcceptedFiles":
        """The files that python-tuf has stored in `folder`, which need not belong together. Raises OSError."""
        metadata = folder / "metadata"
        paths = [*(metadata / name for name in _ROLES), *(metadata / "root_history").glob("*.root.json")]
        found = {path.name: content for path in paths if (content := _content(path)) is not None}
        target = _content(folder / "targets" / repository.TARGET)
        return cls.model_construct(metadata=found, target=target)

    def write(self, folder: Path) -> None:
        """Replace the file if it differs. Raises OSError."""
        content = self.model_dump_json().encode("ascii")
        if _content(folder / FILE) != content:
            replace_file(folder / FILE, content)


def _content(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST)
    except FileNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class CacheFetcher(FetcherInterface):
    """Responds like the server, with the metadata in `files`. Nothing else is found."""

    files: AcceptedFiles

    def _fetch(self, url: str) -> Iterator[bytes]:
        """The file in one piece. Raises DownloadHTTPError with status 404, which ends a search for roots."""
        name = _VERSION_OF_ROLE.sub("", url.removeprefix(repository.METADATA_PATH))
        if (content := self.files.metadata.get(name)) is None:
            raise DownloadHTTPError(f"{name} is not cached", _NOT_FOUND)
        return iter((content,))
