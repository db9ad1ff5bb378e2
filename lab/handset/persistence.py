"""The flash of an emulated phone in a folder, so that the same phone can be switched on again another day."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from agent.adapters.sealed_file import SealedFile
from agent.ports import MonotonicCounter, SealedStore, StoreError
from lab.handset.counter import EmulatedCounter, FileCounter
from lab.handset.storage import EmulatedStore, FileStore

_LABEL: Final = "phone.json"


class PersistenceError(ValueError):
    """The folder holds no phone that can be switched on."""


@dataclass(frozen=True, slots=True)
class DeviceStorage:
    """What stays of a device while it is off. `folder` is for the metadata of verdict keys.

    `imeis` are those that it left the factory with; empty for one that has not been switched on yet.
    """

    store: SealedStore = field(default_factory=EmulatedStore)
    counter: MonotonicCounter = field(default_factory=EmulatedCounter)
    folder: Path | None = None
    imeis: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePersistence(DeviceStorage):
    """Storage in a folder. The identity of the device derives from `name` and the seed; `label` holds its name."""

    name: str
    label: SealedFile

    @classmethod
    def open(cls, folder: Path, name: str) -> Self:
        """The phone in `folder`, or a new one called `name` in an empty or missing folder. Raises PersistenceError."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            content = SealedFile(folder / _LABEL).read()
        except (OSError, StoreError) as error:
            raise PersistenceError(f"{folder} cannot hold a phone: {error}; choose another folder") from error
        known = {} if content is None else _known(content, folder)
        return cls(
            name=known.get("name", name),
            imeis=tuple(known.get("imeis", ())),
            store=FileStore(folder / "state.sealed"),
            counter=FileCounter(folder / "counter"),
            folder=folder / "keys",
            label=SealedFile(folder / _LABEL),
        )

    def save_identity(self, imeis: tuple[str, ...]) -> None:
        """Write on the folder whose phone this is. Raises PersistenceError."""
        text = json.dumps({"name": self.name, "imeis": imeis})
        try:
            self.label.write(text.encode())
        except StoreError as error:
            raise PersistenceError(f"the folder takes no phone: {error}; choose another folder") from error


def _known(content: bytes, folder: Path) -> dict[str, Any]:
    try:
        known = json.loads(content)
        if known.keys() == {"name", "imeis"} and isinstance(known["name"], str):
            return {"name": known["name"], "imeis": [str(imei) for imei in known["imeis"]]}
    except (ValueError, AttributeError, TypeError):
        pass
    raise PersistenceError(f"{folder / _LABEL} names no phone; choose an empty folder")
