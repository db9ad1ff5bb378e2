"""Which of the inputs found are kept: the smallest ones that together take every step from line to line that all do."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any, Final

_WATCHED: Final = tuple(
    str(Path(__file__).parents[1] / name) for name in ("agent", "wire", "server_stub", "fuzz")
)

Step = tuple[str, int, int]
"""A file, a line, and the line after it."""


def worth_keeping(inputs: Iterable[Path], fuzz_one: Callable[[bytes], None]) -> list[Path]:
    """Of `inputs`, smallest first, each that takes a step which none before it took."""
    seen: set[Step] = set()
    kept = []
    for path in sorted(inputs, key=lambda each: (each.stat().st_size, each.name)):
        steps = taken(path.read_bytes(), fuzz_one)
        if not steps <= seen:
            seen |= steps
            kept.append(path)
    return kept


def taken(data: bytes, fuzz_one: Callable[[bytes], None]) -> set[Step]:
    """The steps that one input takes through the code under test."""
    steps: set[Step] = set()
    before = sys.gettrace()
    sys.settrace(_watch(steps))
    try:
        fuzz_one(data)
    finally:
        sys.settrace(before)
    return steps


def _watch(steps: set[Step]) -> Callable[[FrameType, str, Any], Any]:
    last: dict[FrameType, int] = {}

    def note(frame: FrameType, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(_WATCHED):
            return None
        if event in {"call", "line"}:
            steps.add((name, last.get(frame, 0), frame.f_lineno))
            last[frame] = frame.f_lineno
        return note

    return note
