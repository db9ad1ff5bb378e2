"""Explains a failure as text: expected and actual value, the timeline before it, and the command to reproduce it."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from lab.scenario.engine.result import HandsetResult, ScenarioResult, Status, StepResult

ENTRIES_BEFORE: Final = 8
"""The number of timeline entries before a failed expectation."""

WIDTH_MAX: Final = 110


@dataclass(frozen=True, slots=True)
class Failure:
    """The first failure of a scenario: its place in the file, and `what` failed."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


def first_failure(result: ScenarioResult) -> Failure:
    """The first failure of a scenario that did not pass."""
    failed = [step for step in result.steps if step.status is not Status.PASSED]
    if not failed:
        return Failure("", result.error or str(result.status))
    step = next((step for step in failed if step.status is Status.ERROR), failed[0])
    if step.error:
        return Failure(_line(step), step.error)
    check = next(check for check in step.judged if not check.holds)
    mismatch = check.mismatches[0]
    expected, actual = (_json(value)[:WIDTH_MAX] for value in (mismatch.expected, mismatch.actual))
    where = f"{_line(step)}: {check.handset or 'server'}: {mismatch.member}"
    return Failure(where, f"expected {expected}, actual {actual}")


def reason(result: ScenarioResult) -> str:
    """Why a scenario was skipped, or was expected to fail."""
    steps = (step.error for step in result.steps if step.status is Status.SKIPPED)
    return result.because or result.error or next(steps, None) or "skipped"


def _line(step: StepResult) -> str:
    return f"{step.file} line {step.line}".strip()


def _file(result: ScenarioResult, step: StepResult) -> str:
    """The file that has the step."""
    return os.path.normpath(Path(result.file).parent / step.file) if step.file else result.file


def explain(result: ScenarioResult) -> str:
    """Every failure of a scenario as text. Empty for a scenario that passed."""
    if result.status is Status.PASSED:
        return ""
    lines = [f"{result.id}: {result.status}", f"  {result.about}"]
    lines += [f"  {text}" for text in (result.because, result.error) if text]
    for step in result.steps:
        if step.status is not Status.PASSED:
            lines += ["", f"{_file(result, step)}:{step.line}: {step.text}", *_failed_step(step)]
            # Of a group, the first member on the wrong side.
            failed = {part.handset for check in step.judged if not check.holds for part in check.parts[:2]}
            if failed - {None} or step.error:
                handsets = [each for each in result.handsets if each.name in failed]
                for handset in handsets or result.handsets[:1]:
                    lines += _handset_state(handset, step)
    lines += ["", f"reproduce: {result.reproduce}"]
    return "\n".join(lines)


def _failed_step(step: StepResult) -> Iterator[str]:
    yield f"  {_duration(step.began)} after the start of the world" + (f"; {step.note}" if step.note else "")
    if step.error:
        yield f"  cannot be executed: {step.error}"
    for check in step.failures:
        for mismatch in check.mismatches:
            yield f"  {check.handset or 'server'}: {mismatch.member}"
            yield f"    expected  {_json(mismatch.expected)}"
            yield f"    actual    {_json(mismatch.actual)}"


def _handset_state(handset: HandsetResult, step: StepResult) -> Iterator[str]:
    """The timeline before the step, the newest messages and the screen at the time of the step."""
    checks = (part for check in step.judged for part in check.parts)
    check = next((each for each in checks if each.handset == handset.name), None)
    end = check.entries if check else len(handset.timeline)
    yield f"  timeline of {handset.name} ({handset.profile}, {handset.place})"
    for entry in handset.timeline[max(0, end - ENTRIES_BEFORE) : end]:
        detail = {k: v for k, v in entry.get("detail", {}).items() if k not in ("sent", "received")}
        text = _json(detail) if detail else ""
        line = f"{_duration(entry['at']):>14}  {entry['who']:<8}{entry['what']}  {text}"
        yield f"    {line[:WIDTH_MAX].rstrip()}"
    yield from _messages(handset.timeline[:end])
    if handset.brief:
        return
    if not handset.screens:
        yield "  the screen is dark"
        return
    shot = handset.screens[check.screen if check and check.screen is not None else -1]
    body = [line for paragraph in shot.body for line in paragraph.splitlines()]
    rows = [shot.title, *body, *(f"[{text}]" for _, text in shot.actions)]
    yield f"  screen {shot.id} ({shot.locale}, {shot.direction})"
    yield "    +" + "-" * 62
    yield from (f"    | {line}" for row in rows for line in wrap(row, 60) or [""])
    yield "    +" + "-" * 62


def _messages(entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    for name, what in (("sent", "evidence"), ("received", "verdict")):
        messages = [entry.get("detail", {}).get(name) for entry in entries]
        if found := [message for message in messages if isinstance(message, dict)]:
            yield f"  newest {what}"
            claims = found[-1].get("claims", found[-1])
            yield from (f"    {key}: {_json(value)}"[:WIDTH_MAX] for key, value in claims.items())


def _duration(seconds: float) -> str:
    """`5 d 04:30:10`."""
    days, rest = divmod(int(seconds), 86_400)
    text = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days} d {text}" if days else text


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
