"""One scenario of the matrix kind, its world and server included, against the bare cryptography of its activation.

The budget is what 1,000 of them in a minute on two cores allow for each.
"""

from collections.abc import Callable
from itertools import cycle
from statistics import median
from time import process_time_ns
from typing import Final

from benchmarks.report import Row
from benchmarks.rows.activation import bare_operations
from benchmarks.timing import interleaved, ratio
from lab.scenario.engine.engine import run
from lab.scenario.engine.result import Status
from lab.scenario.files.reader import read_text

SECONDS: Final = 0.120
"""CPU time for one scenario: two cores, a minute, a thousand."""

ROUNDS: Final = 30

MATRIX: Final = """
name: activation
about: Every firmware in two places.
parameters: {profile: all-profiles, place: [havana, paris]}
handsets: {phone: {profile: "${profile}", place: "${place}"}}
steps: [power-on, set-up, {expect: phone, never: {screen: notice}}]
"""


def measure() -> Row:
    """Scenarios one after the other, in turns with the bare operations."""
    timings = interleaved(
        {"bare": bare_operations(), "here": _scenario()}, rounds=ROUNDS, calls=1, clock=process_time_ns
    )
    bare, here = median(timings["bare"]), median(timings["here"])
    return Row(
        f"one scenario of the matrix kind, in process ({1 / here:.0f} a second on one core)",
        "the bare operations of one activation",
        SECONDS / bare,
        ratio(timings, "here", "bare"),
        bare,
    )


def _scenario() -> Callable[[], None]:
    cases = cycle(read_text(MATRIX, "activation.scenario.yaml"))

    def scenario() -> None:
        if run(next(cases), "benchmark").status is not Status.PASSED:
            raise RuntimeError("a scenario did not pass, so nothing was measured")

    return scenario
