"""The state file: replaced as a whole or not at all."""

import os
from pathlib import Path

from agent.ports import StoreError


class SealedFile:
    """A file in a folder of its own. The new content is complete and durable before it takes the old one's place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = path.with_name(path.name + ".next")

    def read(self) -> bytes | None:
        """The content, or None where there is no file. Raises StoreError."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError("store-unreadable", _why(error)) from error

    def write(self, content: bytes) -> None:
        """Write, fsync, rename, fsync the folder. Raises StoreError; then the old content stands."""
        try:
            _write_durably(self._next, content)
            self._next.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise StoreError("store-unwritable", _why(error)) from error


def _write_durably(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
