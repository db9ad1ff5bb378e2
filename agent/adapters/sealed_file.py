"""The state file, which is replaced atomically."""

import os
from pathlib import Path
from typing import Final

from agent.ports import StoreError
from agent.sealing import RECORD_MAX

PRIVATE: Final = 0o600


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file atomically by one that only its owner can read, whatever the umask. Raises OSError.

    The content is complete and durable before it replaces the old one. A symbolic link at `path` is replaced and not
    followed.
    """
    new = path.with_name(path.name + ".next")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
        os.fchmod(file.fileno(), PRIVATE)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class SealedFile:
    """A file in a separate folder. New content is complete and durable before it replaces the old content."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes | None:
        """The content, or None if there is no file. Of one that is longer than a record, the part that shows it.

        Raises StoreError.
        """
        try:
            with self._path.open("rb") as file:
                return file.read(RECORD_MAX + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError("store-unreadable", _reason(error)) from error

    def write(self, content: bytes) -> None:
        """Write, fsync, rename, fsync the folder. Raises StoreError; then the old content remains."""
        try:
            replace_file(self._path, content)
        except OSError as error:
            raise StoreError("store-unwritable", _reason(error)) from error


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
