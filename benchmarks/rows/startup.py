"""`activation --help` compared with an interpreter that does nothing: whole processes, in pairs."""

import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks.report import BudgetRow
from benchmarks.timing import interleaved, ratio

BUDGET = 12.0
ROUNDS = 15


def measure() -> BudgetRow:
    """Start both, one after the other, and compare the medians."""
    row = BudgetRow("activation --help", "python -c pass", BUDGET, None)
    command = Path(sys.executable).with_name("activation")
    if (
        not command.exists()
        or subprocess.run([command, "--help"], capture_output=True, check=False).returncode
    ):
        return BudgetRow(row.name, row.limit, BUDGET, None, note="the command does not run here")
    work = {
        "empty": lambda: subprocess.run([sys.executable, "-c", "pass"], check=True),
        "help": lambda: subprocess.run([command, "--help"], capture_output=True, check=True),
    }
    timings = interleaved(work, rounds=ROUNDS, calls=1)
    return BudgetRow(row.name, row.limit, BUDGET, ratio(timings, "help", "empty"), median(timings["empty"]))
