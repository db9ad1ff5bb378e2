"""How fast `activation` starts: the processor time of whole processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.report import BudgetRow
from benchmarks.timing import interleaved

COMMAND: Final = Path(sys.executable).with_name("activation")
LIBRARY: Final = Path(__file__).parents[2] / "scenarios"
SECOND: Final = "one second of processor time"
ROUNDS: Final = 9


COMMANDS: Final = (
    (BudgetRow("activation --help", "python -c pass", 12.0), ("--help",)),
    # How long a mistyped place takes to be rejected.
    (
        BudgetRow("activation device --place nowhere", SECOND, 0.6),
        ("device", "--profile", "official-global", "--place", "nowhere"),
    ),
    # `activation attest` loads a part of the same modules.
    (BudgetRow("activation evidence --device 7", SECOND, 1.2), ("evidence", "A" * 44, "--device", "7")),
)


def measure(row: BudgetRow, arguments: Sequence[str]) -> BudgetRow:
    """How long a whole command takes. Raises CalledProcessError if it ends with an error of this program."""

    def call(env: dict[str, str]) -> None:
        done = subprocess.run([COMMAND, *arguments], capture_output=True, env=env, check=False)
        if done.returncode not in (0, 2):
            done.check_returncode()

    return _measured(row, call)


def measure_first_result() -> BudgetRow:
    """How long the first result of the scenario library takes."""

    def first_line(env: dict[str, str]) -> None:
        with subprocess.Popen(
            [COMMAND, "run", LIBRARY], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.kill()

    return _measured(BudgetRow("first result of activation run", SECOND, 1.2), first_line)


def _measured(row: BudgetRow, call: Callable[[dict[str, str]], object]) -> BudgetRow:
    """`row` with the ratio of `call`, which gets the environment of an installed command: with compiled modules."""
    if not COMMAND.exists():
        return replace(row, note="the command is not installed here")
    with TemporaryDirectory() as folder:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env |= {"PYTHONPYCACHEPREFIX": folder, "PYTHONUNBUFFERED": "1"}
        work = {
            "limit": lambda: subprocess.run([sys.executable, "-c", "pass"], env=env, check=True),
            "call": lambda: call(env),
        }
        timings = interleaved(work, rounds=ROUNDS, calls=1, clock=_children_ns)
    if row.limit == SECOND:
        return replace(row, ratio=median(timings["call"]))
    return row.measured(timings, "call", "limit")


def _children_ns() -> int:
    """Processor time of all ended child processes, in nanoseconds."""
    used = getrusage(RUSAGE_CHILDREN)
    return int((used.ru_utime + used.ru_stime) * 1e9)
