"""What stays of an emulated device while it is off: sealed state, monotonic counter, and metadata of verdict keys.

In memory, or in a folder that outlives the emulation.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.adapters.sealed_file import SealedFile
from agent.ports import CounterError, MonotonicCounter, SealedStore, StoreError

_LABEL: Final = "phone.json"
_DIGITS_MAX: Final = 19
"""Longest count: what a counter of 64 bits can hold."""


@runtime_checkable
class Erasable(Protocol):
    """Storage that a factory reset erases."""

    def erase(self) -> None:
        """Erase the content, as a factory reset does."""


class FileStore(SealedFile):
    """The sealed state in a file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file = path

    def erase(self) -> None:
        """Remove the file, as a factory reset does."""
        self._file.unlink(missing_ok=True)


class EmulatedStore:
    """The sealed state in memory, which is replaced as a whole."""

    def __init__(self, content: bytes | None = None) -> None:
        self._content = content

    def read(self) -> bytes | None:
        """The content, or None if there is none."""
        return self._content

    def write(self, content: bytes) -> None:
        """Replace the content."""
        self._content = content

    def erase(self) -> None:
        """Erase the content, as a factory reset does."""
        self._content = None


class EmulatedCounter:
    """A replay-protected counter, as RPMB or a secure element has; a factory reset does not change it."""

    def __init__(self, value: int = 0) -> None:
        self._value = value

    def value(self) -> int:
        """The count."""
        return self._value

    def increment(self) -> int:
        """Add one and return the count."""
        self._value += 1
        return self._value


class FileCounter:
    """A counter in a file. Content that is not a number is an error, never zero."""

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
        if not content.isdigit() or len(content) > _DIGITS_MAX:
            raise CounterError("counter-unreadable", "the file holds no count")
        return int(content)

    def increment(self) -> int:
        """Add one and return the count. Raises CounterError."""
        count = self.value() + 1
        try:
            self._file.write(str(count).encode())
        except StoreError as error:
            raise CounterError("counter-unwritable", error.detail) from error
        return count


@dataclass(frozen=True, slots=True)
class DeviceStorage:
    """The storage of a device. `folder` is for the metadata of verdict keys.

    `imeis` are those that it left the factory with; empty for one that has not been switched on yet.
    """

    store: SealedStore = field(default_factory=EmulatedStore)
    counter: MonotonicCounter = field(default_factory=EmulatedCounter)
    folder: Path | None = None
    imeis: tuple[str, ...] = ()


class _Label(BaseModel):
    """What the file `_LABEL` of a folder says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    imeis: list[Annotated[str, Field(pattern=r"^[0-9]{14,16}$")]] = []


class PersistenceError(ValueError):
    """The folder holds no device that can be switched on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePersistence(DeviceStorage):
    """Storage in a folder. The identity of the device derives from `name` and the seed; `label` holds its name."""

    name: str
    label: SealedFile

    @classmethod
    def open(cls, folder: Path, name: str) -> Self:
        """The device in `folder`, or a new one called `name` in an empty or missing folder.

        Raises PersistenceError.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            content = SealedFile(folder / _LABEL).read()
        except (OSError, StoreError) as error:
            raise PersistenceError(
                f"{folder} cannot store a device: {error}; choose another folder"
            ) from error
        try:
            label = _Label(name=name) if content is None else _Label.model_validate_json(content)
        except ValidationError as error:
            raise PersistenceError(f"{folder / _LABEL} names no phone; choose an empty folder") from error
        return cls(
            name=label.name,
            imeis=tuple(label.imeis),
            store=FileStore(folder / "state.sealed"),
            counter=FileCounter(folder / "counter"),
            folder=folder / "keys",
            label=SealedFile(folder / _LABEL),
        )

    def save_identity(self, imeis: tuple[str, ...]) -> None:
        """Write name and IMEIs into the folder. Raises PersistenceError."""
        text = json.dumps({"name": self.name, "imeis": imeis})
        try:
            self.label.write(text.encode())
        except StoreError as error:
            raise PersistenceError(f"the folder takes no phone: {error}; choose another folder") from error
