"""Selection of the inputs for the corpus: the smallest ones that together have the coverage of all."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any, Final

_CODE: Final = tuple(
    str(Path(__file__).parents[1] / name)
    for name in ("agent", "wire", "text_input", "server_stub", "lab", "fuzz")
)

CoverageStep = tuple[str, int, int]
"""A file, a line, and the line executed after it."""


def with_new_coverage(inputs: Iterable[Path], fuzz_one: Callable[[bytes], None]) -> list[Path]:
    """Those of `inputs`, smallest first, that execute a step which none before executed."""
    seen: set[CoverageStep] = set()
    kept = []
    for path in sorted(inputs, key=lambda each: (each.stat().st_size, each.name)):
        steps = coverage(path.read_bytes(), fuzz_one)
        if not steps <= seen:
            seen |= steps
            kept.append(path)
    return kept


def coverage(data: bytes, fuzz_one: Callable[[bytes], None]) -> set[CoverageStep]:
    """The steps of the code under test for one input."""
    steps: set[CoverageStep] = set()
    last: dict[FrameType, int] = {}

    def note(frame: FrameType, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(_CODE):
            return None
        if event in {"call", "line"}:
            steps.add((name, last.get(frame, 0), frame.f_lineno))
            last[frame] = frame.f_lineno
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        fuzz_one(data)
    finally:
        sys.settrace(before)
    return steps
