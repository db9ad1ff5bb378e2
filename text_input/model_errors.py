"""Errors of a pydantic model in words: where in the document, what is wrong, and what to write instead.

A document is what a person wrote, in TOML or YAML. Parts of pydantic's locations that are not in it are left out: the
names of members of unions, `[key]`, and the list or table that a single value replaces.
"""

import re
import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from text_input.suggestions import nearest_words, suggestion
from text_input.toml import Path

EXPLAINED_MAX: Final = 200
"""Most errors of a document that are turned into words, which costs more than to find them."""
_SHOWN: Final = 60


class DocumentCode(StrEnum):
    """Stable codes of errors in documents."""

    UNREADABLE = "unreadable"
    """The file cannot be read, is too long, or is not UTF-8."""
    SYNTAX = "syntax"
    UNKNOWN_KEY = "unknown-key"
    MISSING_KEY = "missing-key"
    BAD_VALUE = "bad-value"
    UNKNOWN_NAME = "unknown-name"
    """Nothing that is shipped has this name."""


@dataclass(frozen=True, slots=True)
class Notation:
    """How a kind of document is written: the word for a key of a table, a list, and a table with one key."""

    key: str
    list: str
    table: str


TOML: Final = Notation("key", '["a", "b"]', "{{ {key} = … }}")
YAML: Final = Notation("member", "[a, b]", "{{{key}: …}}")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One error. `members` are the keys that the table at its path, or around an unknown key, can have."""

    code: DocumentCode
    path: Path
    message: str
    details: ErrorDetails
    members: tuple[str, ...]


def mistakes(error: ValidationError, model: Any, document: Any, notation: Notation) -> list[Mistake]:
    """The errors that validation of `document` found, the first `EXPLAINED_MAX`. `model` is a model or another type.

    Each cause is reported once: a misspelt key as an unknown and not also as a missing one, a list with wrong items not
    also as too short, and a value that fits no member of a union as one error.
    """
    located = located_errors(error, model, document)
    inside = {each["loc"][:size] for each, *_ in located for size in range(len(each["loc"]))}
    by_path: dict[Path, list[tuple[ErrorDetails, tuple[Any, ...]]]] = {}
    for details, path, annotations in located:
        if details["type"] != "too_short" or details["loc"] not in inside:
            by_path.setdefault(path, []).append((details, annotations))
    mistaken = [_mistake(path, same, notation) for path, same in by_path.items()]
    meant = {
        (*each.path[:-1], word)
        for each in mistaken
        if each.code is DocumentCode.UNKNOWN_KEY
        for word in nearest_words(str(each.path[-1]), each.members, 1)
    }
    return [each for each in mistaken if each.code is not DocumentCode.MISSING_KEY or each.path not in meant]


def located_errors(
    error: ValidationError, model: Any, document: Any
) -> list[tuple[ErrorDetails, Path, tuple[Any, ...]]]:
    """The first errors with their paths in the document, and the types there; around it for an unknown key."""
    found = error.errors(include_url=False)[:EXPLAINED_MAX]
    return [(details, *_locate(details["loc"], details["type"], model, document)) for details in found]


def words(details: ErrorDetails) -> list[str]:
    """The words that were expected. Empty if the error is not about words."""
    if details["type"] not in ("enum", "literal_error"):
        return []
    return [quoted.replace("\\'", "'") for quoted in _QUOTED.findall(details["ctx"]["expected"])]


def _mistake(path: Path, same: list[tuple[ErrorDetails, tuple[Any, ...]]], notation: Notation) -> Mistake:
    """The mistake of all errors at a path: several are those of the members of a union."""
    # A type that does not fit says less than a value that does not.
    details, annotations = min(same, key=lambda each: each[0]["type"].endswith("_type"))
    members, code = members_of(annotations), _CODES.get(details["type"], DocumentCode.BAD_VALUE)
    if code is DocumentCode.UNKNOWN_KEY:
        message = f"unknown {notation.key}; {suggestion(str(path[-1]), members)}"
    elif code is DocumentCode.MISSING_KEY:
        table = f" the table with {', '.join(members)}" if members else " it"
        message = f"is missing; add{table}"
    elif details["type"] == "value_error":
        message = str(details["ctx"]["error"])
    else:
        expected = [word for each, _ in same for word in words(each)]
        given = details["input"]
        hint = (
            suggestion(str(given)[:_SHOWN], expected)
            if expected
            else advice(details, notation, _example(annotations))
        )
        message = f"{shown(given)}; {hint}"
    return Mistake(code, path, message, details, tuple(members))


def shown(given: Any) -> str:
    """What is there, as the beginning of a message.

    >>> shown(None), shown("a"), shown([1])
    ('is empty', "is 'a'", 'is a list')
    """
    if given in (None, "", [], ()):
        return "is empty"
    if isinstance(given, dict | list | tuple):
        return "is a table" if isinstance(given, dict) else "is a list"
    text = repr(given) if isinstance(given, str | bool | int | float) else str(given)
    return f"is {text if len(text) <= _SHOWN else f'{text[:_SHOWN]}…'}"


def advice(details: ErrorDetails, notation: Notation, example: str = "name") -> str:
    """What to write instead of a value of the wrong type or outside of its limits. `example` is a key of a table."""
    kind, context = details["type"], details.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return BY_PATTERN.get(context["pattern"], f"write text that matches {context['pattern']}")
    if kind in _BY_KIND:
        table = notation.table.format(key=example)
        return _BY_KIND[kind].format_map({**context, "list": notation.list, "table": table})
    for beginning, hint in _BY_BEGINNING.items():
        if kind.startswith(beginning):
            return hint
    return f"{details['msg'][0].lower()}{details['msg'][1:]}"


_CODES: Final = {"extra_forbidden": DocumentCode.UNKNOWN_KEY, "missing": DocumentCode.MISSING_KEY}
_QUOTED: Final = re.compile(r"'((?:[^'\\]|\\.)*)'")

_BY_KIND: Final = {
    "tuple_type": "write a list, as in {list}",
    "list_type": "write a list, as in {list}",
    "dict_type": "write a table, as in {table}",
    "model_type": "write a table, as in {table}",
    "model_attributes_type": "write a table, as in {table}",
    "too_short": "at least one is required",
    "too_long": "it has {actual_length}, and at most {max_length} are allowed",
    "string_type": "write text, in quotes if it looks like a number",
    "string_too_short": "write at least {min_length} characters",
    "string_too_long": "write at most {max_length} characters",
    "string_unicode": "write text without unpaired surrogates",
    "bool_type": "write true or false",
    "finite_number": "write a finite number",
    "greater_than_equal": "write at least {ge}",
    "greater_than": "write more than {gt}",
    "less_than_equal": "write at most {le}",
    "less_than": "write less than {lt}",
    "none_required": "leave it out",
}
"""What to write instead, by the type of the error."""

_BY_BEGINNING: Final = {
    "int_": "write a whole number",
    "float_": "write a number",
    "timezone_": "write a time with its offset, as in 2021-09-06T00:00:00Z",
    "datetime_": "write a time, as in 2021-09-06T00:00:00Z",
    "date_": "write a day without quotes, as in 2021-09-06",
}
"""The same, by the beginning of the type."""

_NAME: Final = "use lower-case letters, digits and hyphens"
_LANGUAGE: Final = "write a language by its code, as in fr or pt-BR"
_IDENTIFIER: Final = "use letters, digits and `. _ : -`, without spaces"
_DIGITS: Final = "write the code in digits"

BY_PATTERN: Final = {
    r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$": _NAME,
    r"^[a-z][a-z0-9-]*$": _NAME,
    r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$": _LANGUAGE,
    r"^[0-9]{3}-[0-9]{2,3}$": "write a network as MCC and MNC, as in 208-01",
    r"^[0-9]{3}$": f"{_DIGITS}, as in 208",
    r"^[0-9]{2,3}$": f"{_DIGITS}, as in 01",
    r"^[A-Z]{2}$": "write a country by its ISO 3166 code, as in FR",
    r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$": "write a territory by its ISO 3166 code, as in CU or UA-43",
    r"^[A-Za-z0-9._:-]+$": _IDENTIFIER,
    r"^[A-Za-z0-9][A-Za-z0-9._:-]*$": _IDENTIFIER,
    r"^[^\u0000-\u001f\u007f]+$": "write one line of text",
    r"^(GSM|UMTS|LTE|TD-LTE|TD-SCDMA|5G) [1-9][0-9]{2,4}$": "write a technology and its MHz, as in 'LTE 1800'",
    r"^[A-Z0-9][A-Z0-9-]*$": "use capital letters, digits and hyphens, as in SV-2107G",
    r"^00[0-9]{6}$": "write eight digits that begin with 00, as devices for tests have",
    r"^[0-9a-f]{32}$": "write 32 hexadecimal digits in lower case",
    r"^[0-9A-Fa-f]{64}$": "write a SHA-256 in 64 hexadecimal digits",
    r"^[0-9]{1,2}(\.[0-9]{1,2}){0,2}$": "write a version in digits and dots, as in 11 or 11.0.1",
    r"^[0-9]+(\.[0-9]+){1,3}$": "write a version in digits and dots, as in 12.5.1",
    r"\S": "write a sentence",
    r"^[\x20-\x7e]{1,32}$": "use letters, digits and punctuation of ASCII",
}
"""What to write instead of a text that does not match a pattern."""


def _locate(loc: Path, kind: str, model: Any, document: Any) -> tuple[Path, tuple[Any, ...]]:
    annotations: tuple[Any, ...] = (model,)
    path: list[str | int] = []
    for at, part in enumerate(loc):
        if tagged := tuple(inner for each in annotations for inner in _tagged(each, part)):
            annotations = tagged
            continue
        below = tuple(inner for each in annotations for inner in _below(each, part))
        if at == len(loc) - 1 and kind in _CODES:
            path.append(part)
            annotations = below if kind == "missing" else annotations
            continue
        if part == "[key]" or not below:
            continue
        annotations = below
        if isinstance(document, dict if isinstance(part, str) else list | tuple):
            path.append(part)
            document = document.get(part) if isinstance(document, dict) else _item(document, part)
        elif isinstance(document, BaseModel):
            path.append(part)
            document = next(
                (getattr(document, name) for name, key in _keys(type(document)) if key == part), None
            )
    return tuple(path), annotations


def _item(listed: Any, at: Any) -> Any:
    return listed[at] if at < len(listed) else None


def members_of(annotations: Iterable[Any]) -> list[str]:
    """The keys of tables of these types."""
    return list(dict.fromkeys(key for model in _models(annotations) for _, key in _keys(model)))


def _models(annotations: Iterable[Any]) -> list[type[BaseModel]]:
    return [bare for each in annotations for bare in bare_types(each) if _is_model(bare)]


def _keys(model: type[BaseModel]) -> list[tuple[str, str]]:
    """The name of each field, and its key in a document."""
    return [(name, field.alias or name) for name, field in model.model_fields.items()]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _below(annotation: Any, part: str | int) -> Iterator[Any]:
    """The types of the value at `part` of a value of this type."""
    for bare in bare_types(annotation):
        if _is_model(bare):
            yield from (bare.model_fields[name].annotation for name, key in _keys(bare) if key == part)
        elif bare is Any:
            yield Any
        elif isinstance(part, int) or typing.get_origin(bare) is dict:
            yield from typing.get_args(bare)[-2 if isinstance(part, int) else -1 :][:1]


def _tagged(annotation: Any, part: str | int) -> Iterator[Any]:
    """The member of a discriminated union that has this tag."""
    for member in _members(annotation):
        if any(isinstance(each, Tag) and each.tag == part for each in getattr(member, "__metadata__", ())):
            yield member


def _example(annotations: Iterable[Any]) -> str:
    """A key of a table of one of these types, if it can be one that is required."""
    fields = [field for model in _models(annotations)[:1] for field in model.model_fields.items()]
    fields.sort(key=lambda each: not each[1].is_required())
    return next((field.alias or name for name, field in fields), "name")


def bare_types(annotation: Any) -> Iterator[Any]:
    """The members of a union, without `Annotated` and without None."""
    for member in _members(annotation):
        if typing.get_origin(member) is typing.Annotated:
            yield from bare_types(typing.get_args(member)[0])
        elif member is not types.NoneType:
            yield member


def _members(annotation: Any) -> Iterator[Any]:
    """The members of a union, or of an annotated one."""
    is_annotated = typing.get_origin(annotation) is typing.Annotated
    bare = typing.get_args(annotation)[0] if is_annotated else annotation
    if typing.get_origin(bare) in (typing.Union, types.UnionType):
        for member in typing.get_args(bare):
            yield from _members(member)
    else:
        yield annotation
