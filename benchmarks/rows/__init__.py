"""The rows of the report, in order; each module measures one budget."""

from collections.abc import Callable
from functools import partial
from typing import Final

from benchmarks.databases import KINDS
from benchmarks.report import BudgetRow
from benchmarks.rows import activation, algorithms, scenarios, server, startup, verify

ROWS: Final[tuple[tuple[str, Callable[[], BudgetRow]], ...]] = (
    ("verify", verify.measure),
    ("algorithms", partial(algorithms.measure, "sign", algorithms.SIGNING)),
    ("algorithms", partial(algorithms.measure, "verify", algorithms.VERIFYING)),
    ("activation", activation.measure),
    *(("serve", partial(server.measure_verdict, kind)) for kind in KINDS),
    ("judging", server.measure_judging),
    ("groups", server.measure_grouping),
    ("workers", server.measure_workers),
    *(("devices", partial(server.measure_devices, kind)) for kind in KINDS),
    ("scenarios", scenarios.measure),
    *(("startup", partial(startup.measure, *row)) for row in startup.COMMANDS),
    ("startup", startup.measure_first_result),
)
"""Each row with the name that selects it."""
