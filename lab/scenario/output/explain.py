"""Why a scenario failed, for people: what was expected, what was there, what led to it, and the command."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Final

from lab.scenario.engine.result import (
    CheckResult,
    HandsetResult,
    ScenarioResult,
    ScreenShot,
    Status,
    StepResult,
)

AROUND: Final = 8
"""Entries of the timeline that are shown before the moment of an expectation."""

WIDE: Final = 110


def explain(result: ScenarioResult) -> str:
    """All that failed in a scenario, as text. Empty for one that passed."""
    return "\n".join(_lines(result)) if result.status is not Status.PASSED else ""


@dataclass(frozen=True, slots=True)
class Failure:
    """The first thing that went wrong in a scenario: `where`, which its neighbours may share, and `what` it was."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


def first_wrong(result: ScenarioResult) -> Failure:
    """The first thing that went wrong in a scenario that did not pass."""
    if result.error:
        return Failure("", result.error)
    wrong = [step for step in result.steps if step.status is not Status.PASSED]
    step = next((step for step in wrong if step.status is Status.ERROR), wrong[0])
    if step.error:
        return Failure(f"line {step.line}", step.error)
    judged = next(judged for judged in step.judged if not judged.holds)
    mismatch = judged.mismatches[0]
    expected, actual = (_json(value)[:WIDE] for value in (mismatch.expected, mismatch.actual))
    where = f"line {step.line}: {judged.handset or 'server'}: {mismatch.member}"
    return Failure(where, f"expected {expected}, actual {actual}")


def skipped(result: ScenarioResult) -> str:
    """Why a scenario was skipped."""
    steps = (step.error for step in result.steps if step.status is Status.SKIPPED)
    return result.error or next(steps, None) or "skipped"


def _lines(result: ScenarioResult) -> Iterator[str]:
    yield f"{result.id}: {result.status}"
    yield f"  {result.about}"
    if result.error:
        yield f"  {result.error}"
    told: set[str] = set()
    for step in result.steps:
        if step.status is Status.PASSED:
            continue
        yield ""
        yield f"{result.file}:{step.line}: {step.text}"
        yield from _step(step)
        told |= {judged.handset for judged in step.judged if judged.handset and not judged.holds}
        if told or step.error:
            yield from _around(result, step, told)
            told = set()
    yield ""
    yield f"again: {result.reproduce}"


def _step(step: StepResult) -> Iterator[str]:
    yield f"  {_clock(step.began)} after the world began" + (f"; {step.note}" if step.note else "")
    if step.error:
        yield f"  cannot be done: {step.error}"
    for judged in step.judged:
        for mismatch in judged.mismatches:
            yield f"  {judged.handset or 'server'}: {mismatch.member}"
            yield f"    expected  {_json(mismatch.expected)}"
            yield f"    actual    {_json(mismatch.actual)}"


def _around(result: ScenarioResult, step: StepResult, names: set[str]) -> Iterator[str]:
    """For each handset at fault: the timeline up to the step, what its newest messages say, and its screen."""
    handsets = [each for each in result.handsets if each.name in names] or list(result.handsets[:1])
    for handset in handsets:
        judged = next((each for each in step.judged if each.handset == handset.name), None)
        end = judged.entries if judged else len(handset.timeline)
        yield f"  timeline of {handset.name} ({handset.profile}, {handset.place})"
        yield from (f"    {line}" for line in _timeline(handset.timeline[max(0, end - AROUND) : end]))
        yield from _messages(handset.timeline[:end])
        yield from _screen(handset, judged)


def _timeline(entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    for entry in entries:
        detail = {k: v for k, v in entry.get("detail", {}).items() if k not in ("sent", "received")}
        said = _json(detail) if detail else ""
        yield f"{_clock(entry['at']):>14}  {entry['who']:<8}{entry['what']}  {said}"[:WIDE].rstrip()


def _messages(entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    for name, what in (("sent", "evidence"), ("received", "verdict")):
        found = [
            entry["detail"][name] for entry in entries if isinstance(entry.get("detail", {}).get(name), dict)
        ]
        if found:
            yield f"  newest {what}"
            claims = found[-1].get("claims", found[-1])
            yield from (f"    {key}: {_json(value)}"[:WIDE] for key, value in claims.items())


def _screen(handset: HandsetResult, judged: CheckResult | None) -> Iterator[str]:
    if not handset.screens:
        yield "  the screen is dark"
        return
    at = judged.screen if judged and judged.screen is not None else -1
    yield from (f"  {line}" for line in drawn(handset.screens[at]))


def drawn(shot: ScreenShot) -> list[str]:
    """A screen in a frame of characters."""
    body = [line for paragraph in shot.body for line in paragraph.splitlines()]
    rows = [shot.title, *body, *(f"[{text}]" for _, text in shot.actions)]
    wrapped = [line for row in rows for line in wrap(row, 60) or [""]]
    head = f"screen {shot.id} ({shot.locale}, {shot.direction})"
    return [head, "  +" + "-" * 62, *(f"  | {row}" for row in wrapped), "  +" + "-" * 62]


def _clock(seconds: float) -> str:
    """`5 d 04:30:10`."""
    whole = int(seconds)
    days, rest = divmod(whole, 86_400)
    text = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days} d {text}" if days else text


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
