"""Requests that are judged together. Each step of the appraisal is taken for all of them before the next one.

So the processor has the code of a step at hand: an appraisal in a group of eight costs a fifth less. The error of one
request, whatever it is, does not fail the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from server_stub.evidence.challenges import SpendableNonce
from server_stub.verdicts.appraiser import AppraisalSteps, Appraised
from server_stub.verdicts.observer import JudgingStep, RequestObserver
from wire.verdict import Verdict

T = TypeVar("T")

Answer = tuple[Verdict, str]
"""A verdict, as claims and as the signed token."""


@dataclass(slots=True)
class GroupedRequest:
    """A request, and how far its appraisal is. `answer` is its verdict or why it has none, None while it is open."""

    observer: RequestObserver
    steps: AppraisalSteps
    nonce: SpendableNonce | None = None
    found: Appraised | None = None
    answer: Answer | BaseException | None = None

    @property
    def appraised(self) -> Appraised:
        """What the appraisal has found, after its last step."""
        if self.found is None:
            raise AssertionError("the appraisal has not ended")
        return self.found

    def take_step(self) -> None:
        """Take the next step. Raises what it raises."""
        self.observer.record_step(JudgingStep.WAIT)
        try:
            found = next(self.steps)
        except StopIteration as end:
            self.found = end.value
            return
        if isinstance(found, JudgingStep):
            self.observer.record_step(found)
        else:
            self.nonce = found


def outcome(call: Callable[..., T], *arguments: object) -> T | BaseException:
    """The result of `call`, or the error that it raises, whatever it is: `pyo3` raises a panic as a BaseException."""
    try:
        return call(*arguments)
    except BaseException as error:
        return error


def advance(group: Sequence[GroupedRequest], ready: Callable[[GroupedRequest], bool]) -> list[GroupedRequest]:
    """Take steps of all requests until they are ready, and return those that did not fail."""
    running = group
    while running := [each for each in running if each.answer is None and not ready(each)]:
        for each in running:
            each.answer = outcome(each.take_step)
    return [each for each in group if each.answer is None]


def first_of_each_nonce(
    group: Sequence[GroupedRequest],
) -> tuple[list[GroupedRequest], list[GroupedRequest]]:
    """The first request with each nonce, and the others."""
    first: dict[bytes, GroupedRequest] = {}
    others = [each for each in group if each.nonce and first.setdefault(each.nonce.value, each) is not each]
    return list(first.values()), others


def end_step(group: Sequence[GroupedRequest], step: JudgingStep) -> None:
    """Record a step that was taken for the whole group."""
    for each in group:
        each.observer.record_step(step)
