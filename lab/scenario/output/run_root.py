"""The root of a run, by which its reports name files, and the commit that it holds.

Reports name files by their path below the root, so they do not depend on the working directory or on how paths were
typed.
"""

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

ROOT_MARKS: Final = (".git", "pyproject.toml")
"""A folder that has one of these is the root of what is below it."""


def program_version() -> str:
    """The version of this program."""
    return metadata.version("activation-agent")


@dataclass(frozen=True, slots=True)
class RunRoot:
    """An absolute folder without links."""

    folder: Path

    @classmethod
    def of(cls, paths: Iterable[Path]) -> "RunRoot":
        """The root of these paths: their common folder, or the nearest above it with one of `ROOT_MARKS`."""
        folders = [str(path.resolve() if path.is_dir() else path.parent.resolve()) for path in paths]
        common = Path(os.path.commonpath(folders)) if folders else Path.cwd()
        above = (
            folder
            for folder in (common, *common.parents)
            if any((folder / mark).exists() for mark in ROOT_MARKS)
        )
        return cls(next(above, common))

    def name(self, file: str) -> str:
        """The path of a file from the root, with `/`.

        >>> RunRoot(Path("/repository")).name("/repository/scenarios/first.scenario.yaml")
        'scenarios/first.scenario.yaml'
        """
        path = Path(file)
        return Path(os.path.relpath(path.parent.resolve() / path.name, self.folder)).as_posix()

    def commit(self) -> str:
        """The commit of the checkout at the root. Without a checkout or without Git, the version of this program."""
        local = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        command = ["git", "-c", "safe.directory=*", "-C", str(self.folder), "rev-parse", "--verify", "HEAD"]
        try:
            found = subprocess.run(command, capture_output=True, text=True, env=local, check=False)  # noqa: S603
        except OSError:
            return program_version()
        return found.stdout.strip() if found.returncode == 0 else program_version()
