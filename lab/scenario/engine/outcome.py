"""The outcome of a scenario from that of its steps: skipped, failed as expected, passed unexpectedly, too slow."""

from dataclasses import replace

from lab.scenario.engine.result import BAD, ScenarioResult, Status, Timing
from lab.scenario.files.reader import Case
from lab.scenario.model.field_types import duration_text


def judged(case: Case, result: ScenarioResult) -> ScenarioResult:
    """The result after the virtual time budget and `expected-to-fail` of the file.

    Only `failed` can be expected: a scenario that cannot be executed shows nothing about what it tests.
    """
    result = _within_budget(case, result)
    because = case.expected_to_fail
    if because is None:
        return result
    if result.status is Status.FAILED:
        return replace(result, status=Status.EXPECTED_FAILURE, because=because)
    if result.status is Status.PASSED:
        error = f"unexpected pass: it was expected to fail because {because!r}; remove `expected-to-fail`"
        return replace(result, status=Status.FAILED, error=error, because=because)
    return result


def _within_budget(case: Case, result: ScenarioResult) -> ScenarioResult:
    budget = case.scenario.time_budget
    taken = result.elapsed - result.steps[0].began if result.steps else 0.0
    is_judged = result.status in (Status.PASSED, Status.FAILED)
    if not is_judged or budget is None or budget.virtual is None or taken <= budget.virtual:
        return result
    error = f"took {duration_text(round(taken, 3))} of virtual time; the budget is {duration_text(budget.virtual)}"
    return replace(result, status=Status.FAILED, error=error)


def timed(case: Case, result: ScenarioResult, timing: Timing, *, enforce: bool) -> ScenarioResult:
    """The result with its timing. With `enforce` it fails if that exceeds the budget of processor time.

    The text of the failure has the budget and not the measured time, so that it is the same in each such run.
    """
    budget = case.scenario.time_budget
    if budget is None or budget.processor is None or timing.processor_seconds <= budget.processor:
        return replace(result, timing=timing)
    timing = replace(timing, over_budget=True)
    if not enforce or result.status in (*BAD, Status.SKIPPED):
        return replace(result, timing=timing)
    error = f"took more processor time than its budget of {duration_text(budget.processor)}"
    return replace(result, status=Status.FAILED, error=error, timing=timing)
