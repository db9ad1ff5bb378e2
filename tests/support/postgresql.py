"""A PostgreSQL server of a test's own, which it may restart, by `.ci/postgres`."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.stores import VARIABLE, postgresql_url

ROOT: Final = Path(__file__).parents[2]
_TELL: Final = f'echo "${VARIABLE}"; echo "${VARIABLE}_RESTART"; read -r _'


@dataclass(frozen=True, slots=True)
class OwnServer:
    """Where it is, and how it is restarted."""

    url: str
    program: str

    def restart(self) -> None:
        """Stop it, which ends all connections, and start it again."""
        subprocess.run([self.program], check=True, timeout=60)


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """Runs while the block does. Skips the test where PostgreSQL is not wanted."""
    postgresql_url()
    with subprocess.Popen(
        [ROOT / ".ci/postgres", "bash", "-c", _TELL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith(VARIABLE)},
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield OwnServer(process.stdout.readline().strip(), process.stdout.readline().strip())
        finally:
            process.stdin.close()
