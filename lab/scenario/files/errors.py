"""What is wrong with a scenario file: where, what, and the nearest word that would be right."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Wrong(StrEnum):
    """Stable codes."""

    UNREADABLE = "unreadable"
    SYNTAX = "syntax"
    DUPLICATE_KEY = "duplicate-key"
    UNKNOWN_STEP = "unknown-step"
    UNKNOWN_MEMBER = "unknown-member"
    MISSING_MEMBER = "missing-member"
    BAD_VALUE = "bad-value"
    UNKNOWN_NAME = "unknown-name"
    UNKNOWN_PARAMETER = "unknown-parameter"
    NO_CASE = "no-case"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong, at `line` and `column`, both from 1. `where` is the dotted path to it."""

    line: int
    column: int
    code: Wrong
    where: str
    message: str


class ScenarioError(Exception):
    """A file that cannot be used. `faults` are in the order of their lines; `file` is as it was named."""

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        self.file = file
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """One line for each fault, as compilers write them."""
        return [
            f"{self.file}:{fault.line}:{fault.column}: {fault.where + ': ' if fault.where else ''}{fault.message}"
            for fault in self.faults
        ]
