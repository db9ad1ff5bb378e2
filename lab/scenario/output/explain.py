"""Explains a failure as text: expected and actual value, the timeline before it, and the command to reproduce it."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.screens.cells import cells, wrap
from lab.handset.timeline_summary import detail_text
from lab.scenario.engine.result import HandsetResult, ScenarioResult, Status, StepResult
from text_input.printable import printable, with_isolates

ENTRIES_BEFORE: Final = 8
"""The number of timeline entries before a failed expectation."""

WIDTH: Final = 80
"""Cells of a line in a file, which has no terminal. Longer lines of a timeline or a message are cut."""


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
    expected, actual = (_cut(_json(value)) for value in (mismatch.expected, mismatch.actual))
    where = f"{_line(step)}: {check.handset or 'server'}: {mismatch.member}"
    return Failure(where, f"expected {expected}, actual {actual}")


def reason(result: ScenarioResult) -> str:
    """Why a scenario was skipped, or was expected to fail."""
    steps = (step.error for step in result.steps if step.status is Status.SKIPPED)
    return result.because or result.error or next(steps, None) or "skipped"


def _line(step: StepResult) -> str:
    return f"{step.file} line {step.line}".strip()


def explain(result: ScenarioResult, width: int = WIDTH) -> str:
    """Every failure of a scenario as printable text; empty for one that passed.

    Screens have isolates, which each line closes.
    """
    if result.status is Status.PASSED:
        return ""
    lines = [f"{result.id}: {result.status}", f"  {result.about}"]
    # `error` has the reason of an unexpected pass.
    because = None if result.status is Status.FAILED else result.because
    lines += [f"  {text}" for text in (because, result.error) if text]
    for step in result.steps:
        if step.status is not Status.PASSED:
            folder = Path(result.file).parent
            file = os.path.normpath(folder / step.file) if step.file else result.file
            lines += ["", f"{file}:{step.line}: {step.text}", *_failed_step(step)]
            # Of a group, the first member on the wrong side.
            failed = {part.handset for check in step.judged if not check.holds for part in check.parts[:2]}
            if failed - {None} or step.error:
                handsets = [each for each in result.handsets if each.name in failed]
                for handset in handsets or result.handsets[:1]:
                    lines += _handset_state(handset, step, width)
    lines += ["", f"reproduce: {result.reproduce}"]
    return "\n".join(with_isolates(line) if line.startswith(_FRAME) else printable(line) for line in lines)


def _failed_step(step: StepResult) -> Iterator[str]:
    yield f"  {_duration(step.ended)} after the start of the world" + (f"; {step.note}" if step.note else "")
    if step.error:
        yield f"  cannot be executed: {step.error}"
    for check in step.failures:
        for mismatch in check.mismatches:
            yield f"  {check.handset or 'server'}: {mismatch.member}"
            for name, value in (("expected", mismatch.expected), ("actual", mismatch.actual)):
                yield f"    {name:<8}  " + _json(value).replace("\n", "\n" + " " * 14)


def _handset_state(handset: HandsetResult, step: StepResult, width: int) -> Iterator[str]:
    """The timeline before the step, the newest messages and the screen at the time of the step."""
    checks = (part for check in step.judged for part in check.parts)
    check = next((each for each in checks if each.handset == handset.name), None)
    entries = handset.timeline[: check.entries] if check else handset.timeline
    yield f"  timeline of {handset.name} ({handset.profile}, {handset.place})"
    shown = [(_duration(entry["at"]), entry) for entry in entries[-ENTRIES_BEFORE:]]
    indent = max((len(at) for at, _ in shown), default=0)
    for at, entry in shown:
        line = f"    {at:>{indent}}  {entry['who']:<8}{entry['what']}  {detail_text(entry.get('detail', {}))}"
        yield _cut(line.rstrip(), width)
    for name, what in (("sent", "evidence"), ("received", "verdict")):
        messages = [entry.get("detail", {}).get(name) for entry in entries]
        if found := [message for message in messages if isinstance(message, dict)]:
            yield f"  newest {what}"
            claims = found[-1].get("claims", found[-1])
            yield from (_cut(f"    {key}: {_json(value)}", width) for key, value in claims.items())
    if handset.brief:
        return
    if not handset.screens:
        yield "  the screen is dark"
        return
    shot = handset.screens[check.screen if check and check.screen is not None else -1]
    rows = [shot.title, *shot.body, *(f"[{text}]" for _, text in shot.actions)]
    yield f"  screen {shot.id} ({shot.locale}, {shot.direction})"
    yield "    +" + "-" * 62
    yield from (f"{_FRAME}{line}" for row in rows for line in wrap(row, 60))
    yield "    +" + "-" * 62


_FRAME: Final = "    | "


def _cut(text: str, width: int = WIDTH) -> str:
    """One line of at most `width` cells, with an ellipsis if something is left out."""
    line = " ".join(text.splitlines()) if "\n" in text else text
    if len(line) <= width and cells(line) <= width:
        return line
    line = line[:width]
    while cells(line) >= width:
        line = line[:-1]
    return f"{line}…"


def _duration(seconds: float) -> str:
    """`5 d 04:30:10`."""
    days, rest = divmod(int(seconds), 86_400)
    text = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days} d {text}" if days else text


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
