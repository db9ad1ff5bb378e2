"""The list of scenarios that failed in the last run, in the folder `.activation` at the root of the run."""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from pydantic import TypeAdapter, ValidationError

from agent.adapters.sealed_file import replace_file
from lab.scenario.engine.result import BAD, ScenarioResult
from lab.scenario.files.reader import Case
from lab.scenario.output.run_root import RunRoot

FOLDER: Final = ".activation"
NAME: Final = "last-failed.json"
_BYTES_MAX: Final = 64 * 1024 * 1024
_LIST: Final[TypeAdapter[list[tuple[str, str, str] | tuple[str, str]]]] = TypeAdapter(
    list[tuple[str, str, str] | tuple[str, str]]
)
"""File, id and seed; lists of earlier versions have no seeds."""


class LastFailed:
    """The seed of each scenario that failed when it was last run. Scenarios that are not run keep their entries."""

    def __init__(self, root: RunRoot) -> None:
        self.file = root.folder / FOLDER / NAME
        self._root = root
        self._failed = self._read()
        self._before = frozenset(self._failed)
        self._found: set[tuple[str, str]] = set()

    def seen(self, cases: Iterable[Case]) -> Iterator[Case]:
        """The cases, which are all of their files; `drop_missing` needs them."""
        for case in cases:
            if self._before:
                self._found.add((self._root.name(case.file), case.id))
            yield case

    def seeds(self, cases: Iterable[Case]) -> dict[int, str]:
        """The positions of the cases that failed, each with its seed, which is empty if it is not known."""
        found = (
            (at, self._failed.get((self._root.name(case.file), case.id))) for at, case in enumerate(cases)
        )
        return {at: seed for at, seed in found if seed is not None}

    def drop_missing(self) -> list[str]:
        """After `seen` saw all cases: remove the scenarios that are no longer there. Returns their ids."""
        files = {file for file, _ in self._found}
        gone = [
            (file, name)
            for file, name in (self._before & self._failed.keys()) - self._found
            if file in files or not (self._root.folder / file).exists()
        ]
        for each in gone:
            del self._failed[each]
        return sorted(name for _, name in gone)

    def add(self, result: ScenarioResult) -> None:
        """Note whether a scenario failed."""
        key = (self._root.name(result.file), result.id)
        self._failed.pop(key, None)
        if result.status in BAD:
            self._failed[key] = result.seed

    def write(self) -> None:
        """Write the list, if it is not empty or was not. Raises OSError."""
        if not self._failed and not self.file.exists():
            return
        folder = self.file.parent
        if not folder.exists():
            folder.mkdir()
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        rows = sorted((*key, seed) for key, seed in self._failed.items())
        replace_file(self.file, f"{json.dumps(rows, indent=0)}\n".encode())

    def _read(self) -> dict[tuple[str, str], str]:
        """The list; empty without a file that has one."""
        try:
            with self.file.open("rb") as stream:
                rows = _LIST.validate_json(stream.read(_BYTES_MAX))
        except (OSError, ValidationError):
            return {}
        return {(row[0], row[1]): row[2] if len(row) == 3 else "" for row in rows}
