"""What the page carries: each screen and each timeline once, as compact JSON that no markup can leave."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from lab import qr
from lab.scenario.report.locks import locks
from lab.scenario.result import HandsetResult, ScenarioResult, ScreenShot, Status

WITH_MESSAGES: Final = 300
"""So many passed scenarios keep their decoded messages; all that did not pass keep them."""


class Pool:
    """Values by number, equal ones once, in the order in which they came."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[str, int] = {}

    def number(self, value: Any) -> int:
        """The number of a JSON value."""
        key = json.dumps(value, sort_keys=True)
        if key not in self._numbers:
            self._numbers[key] = len(self.values)
            self.values.append(value)
        return self._numbers[key]


def embedded(results: Sequence[ScenarioResult]) -> str:
    """JSON for a script element: `<`, `>` and `&` are escaped, so that nothing ends the element."""
    screens, timelines = Pool(), Pool()
    passed = 0
    rows = []
    for result in results:
        passed += result.status is Status.PASSED
        whole = result.status is not Status.PASSED or passed <= WITH_MESSAGES
        rows.append(_scenario(result, screens, timelines, whole=whole))
    text = json.dumps(
        {"scenarios": rows, "screens": screens.values, "timelines": timelines.values},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def _scenario(result: ScenarioResult, screens: Pool, timelines: Pool, *, whole: bool) -> dict[str, Any]:
    return {
        "id": result.id,
        "file": result.file,
        "name": result.name,
        "about": result.about,
        "status": result.status,
        "elapsed": result.elapsed,
        "error": result.error,
        "again": result.reproduce,
        "steps": [_step(asdict(step)) for step in result.steps],
        "handsets": [_handset(each, screens, timelines, whole=whole) for each in result.handsets],
    }


def _step(step: dict[str, Any]) -> dict[str, Any]:
    wrong = [
        {"handset": judged["handset"], **mismatch}
        for judged in step["judged"]
        for mismatch in judged["mismatches"]
    ]
    kept = {name: step[name] for name in ("line", "text", "note", "began", "status", "error")}
    return {**kept, "checks": len(step["judged"]), "wrong": wrong}


def _handset(handset: HandsetResult, screens: Pool, timelines: Pool, *, whole: bool) -> dict[str, Any]:
    entries = [entry if whole else _without_messages(entry) for entry in handset.timeline]
    return {
        "name": handset.name,
        "profile": handset.profile,
        "place": handset.place,
        "outcome": handset.outcome,
        "locked": [[span.since, span.until] for span in locks(handset)],
        "timeline": timelines.number(entries),
        "screens": [[shot.at, screens.number(_screen(shot))] for shot in handset.screens],
    }


def _without_messages(entry: dict[str, Any]) -> dict[str, Any]:
    detail = {
        name: value for name, value in entry.get("detail", {}).items() if name not in ("sent", "received")
    }
    return {**entry, "detail": detail}


def _screen(shot: ScreenShot) -> dict[str, Any]:
    kept = {name: value for name, value in asdict(shot).items() if name not in ("at", "entry", "challenge")}
    return {**kept, "qr": qr.svg(shot.challenge) if shot.challenge else ""}
