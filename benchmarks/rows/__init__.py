"""The rows of the report, in order; each module measures one budget."""

from collections.abc import Callable
from functools import partial
from typing import Final

from benchmarks.databases import KINDS
from benchmarks.report import BudgetRow
from benchmarks.rows import activation, algorithms, http_devices, http_verdict, scenarios, startup, verify

ROWS: Final[tuple[tuple[str, Callable[[], BudgetRow]], ...]] = (
    ("verify", verify.measure),
    ("algorithms", partial(algorithms.measure, "sign", algorithms.SIGNING)),
    ("algorithms", partial(algorithms.measure, "verify", algorithms.VERIFYING)),
    ("activation", activation.measure),
    *(("http_verdict", partial(http_verdict.measure, kind)) for kind in KINDS),
    *(("http_devices", partial(http_devices.measure, kind)) for kind in KINDS),
    ("scenarios", scenarios.measure),
    *(("startup", partial(startup.measure, *row)) for row in startup.COMMANDS),
    ("startup", startup.measure_first_result),
)
"""Each row with the name that selects it."""
