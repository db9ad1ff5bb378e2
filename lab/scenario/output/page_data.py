"""The details of one scenario in the page, as JSON."""

from dataclasses import asdict
from functools import lru_cache
from typing import Any

from lab.reports import qr
from lab.scenario.engine.result import ScenarioResult, ScreenShot
from lab.scenario.output.packing import ValuePool


def scenario(result: ScenarioResult) -> dict[str, Any]:
    """Everything that is not in the index of the page. Equal screens are stored once."""
    screens = ValuePool()
    return {
        "error": result.error,
        "reproduce": result.reproduce,
        "steps": [
            {
                "line": step.line,
                "text": step.text,
                "note": step.note,
                "began": step.began,
                "status": step.status,
                "error": step.error,
                "failures": [
                    {
                        "handset": check.handset,
                        "mismatches": [asdict(each) for each in check.mismatches],
                        "entries": check.entries,
                        "screen": check.screen,
                    }
                    for check in step.judged
                    if not check.holds
                ],
            }
            for step in result.steps
        ],
        "handsets": [
            {
                "name": handset.name,
                "profile": handset.profile,
                "place": handset.place,
                "outcome": handset.outcome,
                "timeline": list(handset.timeline),
                "screens": [[shot.at, screens.number(_screen(shot))] for shot in handset.screens],
            }
            for handset in result.handsets
        ],
        "screens": screens.values,
    }


def _screen(shot: ScreenShot) -> dict[str, Any]:
    shown = {name: value for name, value in asdict(shot).items() if name not in ("at", "entry", "challenge")}
    return {**shown, "qr": _qr_code(shot.challenge) if shot.challenge else ""}


# A locked device shows the same challenge on each of its screens.
_qr_code = lru_cache(maxsize=4096)(qr.svg)
