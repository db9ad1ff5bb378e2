"""The served folder: files that are written atomically, with validated names."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server_stub.key_repository.errors import KeyRepositoryError, RepositoryFault
from wire.key_repository import ROLE, TARGET

METADATA: Final = "metadata"
TARGETS: Final = "targets"
TIMESTAMP: Final = "timestamp.json"

_METADATA_NAME: Final = re.compile(
    rf"timestamp\.json|[1-9][0-9]{{0,8}}\.(root|snapshot|targets|{ROLE})\.json"
)
_TARGET_NAME: Final = re.compile(rf"[0-9a-f]{{64}}\.{re.escape(TARGET)}")


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """A file of the repository: `folder` is METADATA or TARGETS."""

    folder: str
    name: str
    content: bytes


class Folder:
    """`metadata/` and `targets/` below `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._metadata, self._targets = path / METADATA, path / TARGETS

    def prepare(self) -> None:
        """Create the folders. Raises KeyRepositoryError if other files exist, or they cannot be created."""
        try:
            foreign = [p.name for p in self.path.glob("*") if p.name not in (METADATA, TARGETS)]
            if foreign:
                raise KeyRepositoryError(
                    RepositoryFault.NOT_A_REPOSITORY,
                    f"{self.path} holds other files, such as {min(foreign)}; name an empty folder",
                )
            for name in (METADATA, TARGETS):
                (self.path / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def write(self, files: Sequence[RepositoryFile]) -> None:
        """Write these files in this order, each complete and durable before the next. Raises KeyRepositoryError."""
        for file in files:
            path = self.path / file.folder / file.name
            try:
                self.put(path, file.content)
            except OSError as error:
                raise _unwritable(path, error) from error

    def put(self, path: Path, content: bytes) -> None:
        """Replace one file atomically; symbolic links are not followed. Raises OSError."""
        temporary = path.with_name(path.name + ".next")
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def metadata(self, name: str) -> bytes | None:
        """A metadata file, or None if the name is invalid or does not exist. Raises OSError."""
        return _read(self._metadata / name) if _METADATA_NAME.fullmatch(name) else None

    def target(self, name: str) -> bytes | None:
        """A target file under its hash, or None if the name is invalid or does not exist. Raises OSError."""
        return _read(self._targets / name) if _TARGET_NAME.fullmatch(name) else None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _unwritable(path: Path, error: OSError) -> KeyRepositoryError:
    return KeyRepositoryError(RepositoryFault.UNWRITABLE, f"{path}: {error.strerror}; choose another folder")
