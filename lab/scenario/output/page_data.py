"""What the page says of one scenario when it is opened, as JSON."""

from dataclasses import asdict
from functools import lru_cache
from typing import Any

from lab.reports import qr
from lab.scenario.engine.result import CheckResult, HandsetResult, ScenarioResult, ScreenShot, StepResult
from lab.scenario.output.packing import Pool


def scenario(result: ScenarioResult) -> dict[str, Any]:
    """Everything but what the index of the page says already. Each screen is there once."""
    screens = Pool()
    return {
        "error": result.error,
        "again": result.reproduce,
        "steps": [_step(step) for step in result.steps],
        "handsets": [_handset(each, screens) for each in result.handsets],
        "screens": screens.values,
    }


def _step(step: StepResult) -> dict[str, Any]:
    return {
        "line": step.line,
        "text": step.text,
        "note": step.note,
        "began": step.began,
        "status": step.status,
        "error": step.error,
        "wrong": [_wrong(judged) for judged in step.judged if not judged.holds],
    }


def _wrong(judged: CheckResult) -> dict[str, Any]:
    return {
        "handset": judged.handset,
        "mismatches": [asdict(each) for each in judged.mismatches],
        "entries": judged.entries,
        "screen": judged.screen,
    }


def _handset(handset: HandsetResult, screens: Pool) -> dict[str, Any]:
    return {
        "name": handset.name,
        "profile": handset.profile,
        "place": handset.place,
        "outcome": handset.outcome,
        "timeline": list(handset.timeline),
        "screens": [[shot.at, screens.number(_screen(shot))] for shot in handset.screens],
    }


def _screen(shot: ScreenShot) -> dict[str, Any]:
    kept = {name: value for name, value in asdict(shot).items() if name not in ("at", "entry", "challenge")}
    return {**kept, "qr": _picture(shot.challenge) if shot.challenge else ""}


@lru_cache(maxsize=4096)
def _picture(challenge: str) -> str:
    """The challenge as a picture. A locked phone shows the same one each time that its screen is drawn again."""
    return qr.svg(challenge)
