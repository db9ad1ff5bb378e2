"""Error messages about a policy document, for the person who wrote it."""

import typing
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from text_input.printable import shortened
from text_input.suggestions import nearest_words, suggestion
from text_input.toml import Path, TomlPositions

_SHOWN: Final = 60
PROBLEMS_MAX: Final = 50
"""Most errors that are reported; if there are more, the last one says so."""
_EXPLAINED_MAX: Final = 200
"""Most errors of validation that are turned into messages, which costs more than to find them."""
_PATTERNS: Final[dict[str | int, str]] = {
    "territories": "a territory; write a code of ISO 3166 such as CU or UA-43",
    "boot_keys": "a SHA-256; write 64 hexadecimal digits",
}
"""What a text has to be that does not match its pattern, by the first key of its path."""


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One error. `key` is dotted, and empty for the document itself; `line` counts from 1."""

    source: str
    line: int
    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.key or 'document'}: {self.text}"


class PolicyError(ValueError):
    """A policy document is not valid. `problems` has the first errors in the order of lines, at most `PROBLEMS_MAX`.

    `source`, `line`, `key` and `problem` are those of the first error.
    """

    def __init__(self, problems: Iterable[PolicyProblem]) -> None:
        found = sorted(problems, key=lambda each: (each.line, each.key))
        if len(found) > PROBLEMS_MAX:
            last = replace(found[PROBLEMS_MAX - 1], key="", text="there are more errors; correct these first")
            found[PROBLEMS_MAX - 1 :] = [last]
        super().__init__("\n".join(map(str, found)))
        self.problems = tuple(found)
        self.source = found[0].source
        self.line = found[0].line
        self.key = found[0].key
        self.problem = found[0].text


def located(text: str, source: str, found: Iterable[tuple[Path, str]]) -> list[PolicyProblem]:
    """The problems `found` in the document `text`, each a path and a message, with their lines."""
    positions = TomlPositions(text)
    return [
        PolicyProblem(source, positions.line_of(path), shortened(".".join(map(str, path))), shortened(words))
        for path, words in found
    ]


def diagnose(error: ValidationError, model: type[BaseModel]) -> list[tuple[Path, str]]:
    """The errors that validation by `model` found, the first `_EXPLAINED_MAX`: path and message of each.

    A misspelt key is reported once, as an unknown key and not also as a missing one.
    """
    details = error.errors(include_url=False)[:_EXPLAINED_MAX]
    unknown = [each["loc"] for each in details if each["type"] == "extra_forbidden"]
    meant = {
        (*path[:-1], word)
        for path in unknown
        for word in nearest_words(str(path[-1]), _keys(_model(path[:-1], model)), 1)
    }
    inside = {each["loc"][:size] for each in details for size in range(len(each["loc"]))}
    return [
        (tuple(part for part in each["loc"] if part != "[key]"), _message(each, model))
        for each in details
        # Validation reports a list as empty if each of its elements is wrong.
        if not (
            (each["type"] == "missing" and each["loc"] in meant)
            or (each["type"] == "too_short" and each["loc"] in inside)
        )
    ]


def _message(details: ErrorDetails, model: type[BaseModel]) -> str:
    path, kind = details["loc"], details["type"]
    if kind == "missing":
        return "missing key; add it"
    if kind == "extra_forbidden":
        return f"unknown key; {suggestion(str(path[-1]), _keys(_model(path[:-1], model)))}"
    if kind == "too_short":
        return "empty list; write at least one element"
    if kind == "string_pattern_mismatch" and path[0] in _PATTERNS:
        return f"{_shown(details['input'])} is not {_PATTERNS[path[0]]}"
    if kind == "value_error":
        return str(details["ctx"]["error"])
    shown = _shown(details["input"])
    words = _vocabulary(_annotation(path, model))
    msg = details["msg"]
    advice = (
        suggestion(str(details["input"]), words) if kind == "enum" and words else msg[0].lower() + msg[1:]
    )
    return f"{shown} is not allowed here; {advice}"


def _shown(value: Any) -> str:
    text = repr(str(value)) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _model(path: Path, model: type[BaseModel]) -> type[BaseModel] | None:
    """The model of the table at `path`; None if there is no table."""
    return _table(_annotation(path, model))


def _annotation(path: Path, model: type[BaseModel]) -> Any:
    """The type of the value at `path`. An index, or a key of a table with free keys, does not change the type."""
    annotation: Any = model
    for part in path:
        table = _table(annotation)
        fields = {field.alias or name: field for name, field in table.model_fields.items()} if table else {}
        if part in fields:
            annotation = fields[str(part)].annotation
    return annotation


def _table(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in typing.get_args(annotation) if (found := _table(inner))), None)


def _vocabulary(annotation: Any) -> list[str]:
    """The values of the enum that a type contains, if any."""
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return [member.value for member in annotation]
    return [word for inner in typing.get_args(annotation) for word in _vocabulary(inner)]
