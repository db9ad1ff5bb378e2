"""The state partition of an emulated phone: in memory, or a file in a folder that outlives the emulation."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from agent.adapters.sealed_file import SealedFile


@runtime_checkable
class Erasable(Protocol):
    """Storage that a factory reset erases."""

    def erase(self) -> None:
        """What a factory reset does."""
        ...


class FileStore(SealedFile):
    """The phone's own state file. A factory reset removes it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file = path

    def erase(self) -> None:
        """What a factory reset does."""
        self._file.unlink(missing_ok=True)


class EmulatedStore:
    """One file that is replaced as a whole. A factory reset erases it."""

    def __init__(self, content: bytes | None = None) -> None:
        self._content = content

    def read(self) -> bytes | None:
        """The content, or None where there is none."""
        return self._content

    def write(self, content: bytes) -> None:
        """Replace the content."""
        self._content = content

    def erase(self) -> None:
        """What a factory reset does."""
        self._content = None
