"""The outcome of a scenario from that of its steps: skipped, failed as expected, passed unexpectedly, too slow."""

from dataclasses import replace

from lab.scenario.engine.result import BAD, ScenarioResult, Status
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
    if budget is None or budget.virtual is None or taken <= budget.virtual:
        return result
    if result.status not in (Status.PASSED, Status.FAILED):
        return result
    error = f"took {duration_text(round(taken, 3))} of virtual time; the budget is {duration_text(budget.virtual)}"
    return replace(result, status=Status.FAILED, error=error)


def exceeds_processor_budget(case: Case, result: ScenarioResult) -> bool:
    """Whether a scenario took more processor time than its file allows."""
    allowed = _processor_budget(case)
    return allowed is not None and result.timing is not None and result.timing.processor_seconds > allowed


def with_enforced_time(case: Case, result: ScenarioResult) -> ScenarioResult:
    """The result, failed if it exceeds the budget of processor time. Its text has the budget, not the measured time."""
    allowed = _processor_budget(case)
    if (
        allowed is None
        or result.status in (*BAD, Status.SKIPPED)
        or not exceeds_processor_budget(case, result)
    ):
        return result
    error = f"took more processor time than its budget of {duration_text(allowed)}"
    return replace(result, status=Status.FAILED, error=error)


def _processor_budget(case: Case) -> float | None:
    budget = case.scenario.time_budget
    return budget.processor if budget else None
