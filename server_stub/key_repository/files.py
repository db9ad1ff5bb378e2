"""The names of a repository's files, and the folder in which an earlier release kept them."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from server_stub.key_repository.errors import KeyRepositoryError, RepositoryFault
from wire.key_repository import ROLE, TARGET

Source = Callable[[str], bytes | None]
"""Returns the content of a file by its name, None if there is no such file."""

_METADATA: Final = "metadata"
_TARGETS: Final = "targets"
TIMESTAMP: Final = f"{_METADATA}/timestamp.json"
FIRST_ROOT: Final = f"{_METADATA}/1.root.json"

SERVED: Final = re.compile(
    rf"{_METADATA}/(timestamp\.json|[1-9][0-9]{{0,8}}\.(root|snapshot|targets|{ROLE})\.json)"
    rf"|{_TARGETS}/[0-9a-f]{{64}}\.{re.escape(TARGET)}"
)
"""The names that a repository can have."""

VERSION_MAX: Final = 999_999_999


def metadata_file(version: int, role: str) -> str:
    """The name of one version of a role's metadata."""
    return f"{_METADATA}/{version}.{role}.json"


def target_file(digest: str) -> str:
    """The name of the key list with this SHA-256 hash, in hexadecimal."""
    return f"{_TARGETS}/{digest}.{TARGET}"


def roots(source: Source) -> dict[str, bytes]:
    """All roots by their names, the oldest first. Nothing is verified."""
    found: dict[str, bytes] = {}
    while (content := source(name := metadata_file(len(found) + 1, "root"))) is not None:
        found[name] = content
    return found


class KeysFolder:
    """The folder `path`: the server writes its roots there. An earlier release kept the whole repository there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    def file(self, name: str) -> bytes | None:
        """Implements `Source`. Raises KeyRepositoryError if the file cannot be read."""
        try:
            return (self._path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unusable(self._path / name, error) from error

    def check(self, published: dict[str, bytes]) -> None:
        """Raises KeyRepositoryError if the folder has another root than `published`, or other files."""
        foreign = [each.name for each in self._path.glob("*") if each.name not in (_METADATA, _TARGETS)]
        if foreign:
            raise KeyRepositoryError(
                RepositoryFault.NOT_A_REPOSITORY,
                f"{self} holds other files, such as {min(foreign)}; name an empty folder",
            )
        for name, root in roots(self.file).items():
            if published.get(name) != root:
                raise KeyRepositoryError(
                    RepositoryFault.ROOT_FOREIGN,
                    f"{self._path / name} is not in the database; name its folder, or add --restored if an older "
                    "backup was restored",
                )

    def write(self, published: dict[str, bytes]) -> None:
        """Write these roots where they are missing. Raises KeyRepositoryError."""
        for name, content in published.items():
            path = self._path / name
            try:
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    complete = path.with_suffix(f".{os.getpid()}")  # other processes write it too
                    complete.write_bytes(content)
                    complete.replace(path)
            except OSError as error:
                raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> KeyRepositoryError:
    return KeyRepositoryError(RepositoryFault.UNWRITABLE, f"{path}: {error.strerror}; choose another folder")
