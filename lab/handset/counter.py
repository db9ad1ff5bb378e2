"""The monotonic counter of an emulated phone (a replay-protected counter as RPMB or a secure element has)."""

from pathlib import Path

from agent.adapters.sealed_file import SealedFile
from agent.ports import CounterError, StoreError


class EmulatedCounter:
    """Counts up and nothing else. A factory reset leaves it as it is."""

    def __init__(self, value: int = 0) -> None:
        self._value = value

    def value(self) -> int:
        """The count."""
        return self._value

    def increment(self) -> int:
        """Count up by one."""
        self._value += 1
        return self._value


class FileCounter:
    """Keeps its count in a file, for a phone that outlives the emulation. What is no count is an error, never zero."""

    def __init__(self, path: Path) -> None:
        self._file = SealedFile(path)

    def value(self) -> int:
        """The count. Raises CounterError."""
        try:
            content = self._file.read()
        except StoreError as error:
            raise CounterError("counter-unreadable", error.detail) from error
        if content is None:
            return 0
        if not content.isdigit():
            raise CounterError("counter-unreadable", "the file holds no count")
        return int(content)

    def increment(self) -> int:
        """Count up by one. Raises CounterError."""
        count = self.value() + 1
        try:
            self._file.write(str(count).encode())
        except StoreError as error:
            raise CounterError("counter-unwritable", error.detail) from error
        return count
