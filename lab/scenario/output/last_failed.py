"""The list of scenarios that failed in the last run, in the folder `.activation` at the root of the run."""

import json
from typing import Final

from pydantic import TypeAdapter, ValidationError

from agent.adapters.sealed_file import replace_file
from lab.scenario.engine.result import BAD, ScenarioResult
from lab.scenario.files.reader import Case
from lab.scenario.output.run_root import RunRoot

FOLDER: Final = ".activation"
NAME: Final = "last-failed.json"
_BYTES_MAX: Final = 64 * 1024 * 1024
_LIST: Final[TypeAdapter[list[tuple[str, str]]]] = TypeAdapter(list[tuple[str, str]])


class LastFailed:
    """File and id of each scenario that failed when it was last run. Scenarios that are not run keep their entries."""

    def __init__(self, root: RunRoot) -> None:
        self.file = root.folder / FOLDER / NAME
        self._root = root
        self._failed = self._read()
        self._found: set[tuple[str, str]] = set()
        self._files: set[str] = set()

    def __len__(self) -> int:
        return len(self._failed)

    def selects(self, case: Case) -> bool:
        """Whether a scenario failed in the last run."""
        key = (self._root.name(case.file), case.id)
        self._files.add(key[0])
        self._found |= {key} & self._failed
        return key in self._failed

    def drop_missing(self) -> list[str]:
        """After `selects` saw all cases: remove the scenarios that are no longer there. Returns their ids."""
        gone = {
            (file, name)
            for file, name in self._failed - self._found
            if file in self._files or not (self._root.folder / file).exists()
        }
        self._failed -= gone
        return sorted(name for _, name in gone)

    def add(self, result: ScenarioResult) -> None:
        """Note whether a scenario failed."""
        key = (self._root.name(result.file), result.id)
        if result.status in BAD:
            self._failed.add(key)
        else:
            self._failed.discard(key)

    def write(self) -> None:
        """Write the list, if it is not empty or was not. Raises OSError."""
        if not self._failed and not self.file.exists():
            return
        folder = self.file.parent
        if not folder.exists():
            folder.mkdir()
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        replace_file(self.file, f"{json.dumps(sorted(self._failed), indent=0)}\n".encode())

    def _read(self) -> set[tuple[str, str]]:
        """The list; empty without a file that has one."""
        try:
            with self.file.open("rb") as stream:
                text = stream.read(_BYTES_MAX)
            return set(_LIST.validate_json(text))
        except (OSError, ValidationError):
            return set()
