"""Errors in a scenario file: where, what, and what to write instead."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from text_input.printable import shortened


class FileErrorCode(StrEnum):
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
class FileError:
    """One error at `line` and `column`, both from 1. `where` is the dotted path of the value.

    `file` is an included file, by its path from the folder of the scenario; empty for the scenario itself. `excerpt` is
    the text of the line, if it explains the error.
    """

    line: int
    column: int
    code: FileErrorCode
    where: str
    message: str
    file: str = ""
    excerpt: str = ""

    @property
    def of_names(self) -> bool:
        """Whether it makes names of parameters unknown: it is in `parameters`, in `examples` or in their CSV file."""
        return self.file.endswith(".csv") or self.where.startswith(("parameters", "examples"))


ERRORS_MAX: Final = 50
"""Most errors of a file that are reported; if there are more, the last one says so."""


class ScenarioError(Exception):
    """A file that cannot be used. `errors` are sorted by line; `file` is the name that the caller gave."""

    def __init__(self, file: str, errors: Sequence[FileError]) -> None:
        shown = {
            replace(each, where=shortened(each.where), message=shortened(each.message)) for each in errors
        }
        found = sorted(shown, key=lambda each: (each.file, each))
        if len(found) > ERRORS_MAX:
            last = found[ERRORS_MAX - 1]
            message = "there are more errors; correct these first"
            found[ERRORS_MAX - 1 :] = [FileError(last.line, last.column, last.code, "", message, last.file)]
        self.file = file
        self.errors = tuple(found)
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """One line for each error, in the format of compilers, with the text of the line below it if it is known."""
        lines = []
        for error in self.errors:
            file = os.path.normpath(f"{Path(self.file).parent}/{error.file}") if error.file else self.file
            where = f"{error.where}: " if error.where else ""
            lines.append(f"{file}:{error.line}:{error.column}: {where}{error.message}")
            if error.excerpt:
                lines.append(f"    {error.line} | {error.excerpt}")
        return lines
