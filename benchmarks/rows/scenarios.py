"""One scenario of the matrix kind, with world and server, compared with the cryptography of its activation."""

from itertools import cycle
from statistics import median
from time import process_time_ns
from typing import Final

from benchmarks.report import BudgetRow
from benchmarks.rows.activation import bare_operations
from benchmarks.timing import interleaved
from lab.scenario.engine.engine import run
from lab.scenario.engine.result import Status
from lab.scenario.files.reader import read_text

ROUNDS: Final = 30

MATRIX: Final = """
name: activation
about: Every firmware in two places.
parameters: {profile: all-profiles, place: [havana, paris]}
handsets: {phone: {profile: "${profile}", place: "${place}"}}
steps: [power-on, set-up, {expect: phone, never: {screen: notice}}]
"""


def measure() -> BudgetRow:
    """Run scenarios in turns with the bare operations."""
    cases = cycle(read_text(MATRIX, "activation.scenario.yaml"))

    def scenario() -> None:
        if run(next(cases), "benchmark").status is not Status.PASSED:
            raise RuntimeError("a scenario did not pass, so nothing was measured")

    timings = interleaved(
        {"bare": bare_operations(), "here": scenario}, rounds=ROUNDS, calls=1, clock=process_time_ns
    )
    row = BudgetRow("one scenario of the matrix kind", "the cryptographic operations of one activation", 42.0)
    rate = f"{1 / median(timings['here']):.0f} scenarios a second on one core"
    return row.measured(timings, "here", "bare", note=rate)
