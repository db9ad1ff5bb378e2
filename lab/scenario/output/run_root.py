"""The root of a run, by which its reports name files, and the commit that it holds.

Reports name files by their path below the root, so they do not depend on the working directory or on how paths were
typed.
"""

import os
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path


def program_version() -> str:
    """The version of this program."""
    return metadata.version("activation-agent")


@dataclass(frozen=True, slots=True)
class RunRoot:
    """An absolute folder without links."""

    folder: Path

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
