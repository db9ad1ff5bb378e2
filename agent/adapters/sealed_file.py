"""The state file, which is replaced atomically."""

import os
from pathlib import Path

from agent.ports import StoreError


class SealedFile:
    """A file in a separate folder. New content is complete and durable before it replaces the old content."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = path.with_name(path.name + ".next")

    def read(self) -> bytes | None:
        """The content, or None if there is no file. Raises StoreError."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError("store-unreadable", _reason(error)) from error

    def write(self, content: bytes) -> None:
        """Write, fsync, rename, fsync the folder. Raises StoreError; then the old content remains."""
        try:
            descriptor = os.open(self._next, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._next.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise StoreError("store-unwritable", _reason(error)) from error


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
