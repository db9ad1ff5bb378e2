"""TOML documents that people write: profiles, places, policies. Errors name file, line and key, and what to write."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Final, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from text_input.files import UnusableFileError, UserInputError, is_file, read_text
from text_input.model_errors import TOML, DocumentCode, mistakes
from text_input.printable import shortened
from text_input.suggestions import suggestion
from text_input.toml import FILE_MAX, TomlError, TomlPositions, parse_toml
from text_input.toml import Path as DocumentPath

PROBLEMS_MAX: Final = 50
"""Most errors of a document that are reported; if there are more, the last one says so."""

T = TypeVar("T")


class DocumentKind(StrEnum):
    """What a document is."""

    PROFILE = "a firmware profile"
    PLACES = "a file of places"
    POLICY = "a policy"


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """One error in the file `source`. `key` is dotted, and empty for the document itself.

    `line` counts from 1; it is None for a file that cannot be read. `source` is empty for a name that is not known.
    """

    source: str
    line: int | None
    key: str
    text: str
    code: DocumentCode = DocumentCode.BAD_VALUE

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        return ": ".join(part for part in (place, self.key, self.text) if part)


class DocumentError(UserInputError, ValueError):
    """A document is not valid. `problems` has the first errors in the order of lines, at most `PROBLEMS_MAX`.

    `first` is the first of them. A subclass is the error of the documents of one kind.
    """

    kind: ClassVar[DocumentKind]

    def __init__(self, problems: Iterable[DocumentProblem]) -> None:
        found = sorted(problems, key=lambda each: (each.line or 0, each.key))
        if len(found) > PROBLEMS_MAX:
            last = replace(found[PROBLEMS_MAX - 1], key="", text="there are more errors; correct these first")
            found[PROBLEMS_MAX - 1 :] = [last]
        super().__init__("\n".join(map(str, found)))
        self.problems = tuple(found)
        self.first = found[0]

    @property
    def summary(self) -> str:
        """The first error, and how many there are more, in one line."""
        more = len(self.problems) - 1
        return f"{self.first} (and {more} more in this file)" if more else str(self.first)

    @classmethod
    def one(cls, source: str, line: int | None, text: str, code: DocumentCode) -> Self:
        """The error of a whole document."""
        return cls([DocumentProblem(source, line, "", shortened(text), code)])

    @classmethod
    def unknown(cls, what: str, name: str, known: Iterable[str], folder: Path | None = None) -> Self:
        """The error for a name that nothing has. It suggests the nearest, or the file of that name in `folder`."""
        own = f"./{name}.toml"
        exists = folder is not None and is_file(f"{folder / own}")
        hint = f"did you mean {own!r}?" if exists else suggestion(name, known)
        return cls.one("", None, f"no {what} is called {name!r}; {hint}", DocumentCode.UNKNOWN_NAME)


def located(text: str, source: str, found: Iterable[tuple[DocumentPath, str]]) -> list[DocumentProblem]:
    """The problems `found` in the document `text`, each a path and a message, with their lines."""
    positions = TomlPositions(text)
    return [
        DocumentProblem(
            source, positions.line_of(path), shortened(".".join(map(str, path))), shortened(words)
        )
        for path, words in found
    ]


def read_document(file: Path, error: type[DocumentError]) -> str:
    """The text of a document. Raises `error`."""
    try:
        return read_text(file, FILE_MAX)
    except UnusableFileError as unusable:
        text = f"cannot be read: {unusable.reason}; correct the path" if unusable.missing else unusable.reason
        raise error.one(str(file), None, text, DocumentCode.UNREADABLE) from unusable


def parse_document(text: str, source: str, model: type[T], error: type[DocumentError]) -> T:
    """The values of the document `text`, whose type is `model`. Raises `error`; `source` is its name there."""
    try:
        document = parse_toml(text)
    except TomlError as wrong:
        raise error.one(source, wrong.line, f"is not TOML: {wrong.detail}", DocumentCode.SYNTAX) from wrong
    try:
        validated: T = TypeAdapter(model).validate_python(document)
    except ValidationError as wrong:
        kind = _kind_of(document)
        if kind not in (None, error.kind):
            raise error.one(
                source, 1, f"is {kind}, not {error.kind}; {_CHECKS[kind]}", DocumentCode.BAD_VALUE
            ) from None
        found = mistakes(wrong, model, document, TOML)
        problems = located(text, source, ((each.path, each.message) for each in found))
        raise error(
            replace(problem, code=each.code) for problem, each in zip(problems, found, strict=True)
        ) from None
    return validated


_CHECKS: Final = {
    DocumentKind.PROFILE: "check it with `activation profiles validate`",
    DocumentKind.PLACES: "check it with `activation places validate`",
    DocumentKind.POLICY: "check it with `activation policy check`",
}


def _kind_of(document: Mapping[str, Any]) -> DocumentKind | None:
    """What a document seems to be, by keys that documents of other kinds do not have."""
    tables = [part for part in document.values() if isinstance(part, dict)]
    if "profile" in document and "hardware" in document:
        return DocumentKind.PROFILE
    if "rules" in document or "territories" in document:
        return DocumentKind.POLICY
    return DocumentKind.PLACES if any({"position", "networks"} & part.keys() for part in tables) else None
