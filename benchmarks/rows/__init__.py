"""The rows of the report, in order; each module measures one budget."""

from collections.abc import Callable
from typing import Final

from benchmarks.report import BudgetRow
from benchmarks.rows import (
    activation,
    algorithms,
    http_devices,
    http_verdict,
    scenarios,
    startup,
    verify,
)

ROWS: Final[tuple[Callable[[], BudgetRow], ...]] = (
    verify.measure,
    algorithms.measure_signing,
    algorithms.measure_verification,
    activation.measure,
    http_verdict.measure,
    http_verdict.measure_postgresql,
    http_devices.measure,
    http_devices.measure_postgresql,
    scenarios.measure,
    startup.measure_help,
    startup.measure_rejection,
    startup.measure_evidence,
    startup.measure_first_result,
)
