"""What a validation error means for the person who wrote the profile."""

import types
import typing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from firmware_profiles.errors import ProfileCode
from firmware_profiles.model import Profile
from text_input.suggestions import suggestion

_CODES: Final = {"extra_forbidden": ProfileCode.UNKNOWN_KEY, "missing": ProfileCode.MISSING_KEY}
_ORDER: Final = (ProfileCode.UNKNOWN_KEY, ProfileCode.BAD_VALUE, ProfileCode.MISSING_KEY)
"""A misspelt key is both unknown and missing: the word that is there is what the writer can see."""


@dataclass(frozen=True, slots=True)
class ProfileFault:
    """One thing that is wrong. `path` has keys only, no indices."""

    code: ProfileCode
    path: tuple[str, ...]
    message: str


def diagnose(error: ValidationError) -> ProfileFault:
    """The one fault to tell first: an unknown key, then a bad value, then a missing key."""
    faults = [_fault(details) for details in error.errors(include_url=False)]
    return min(faults, key=lambda fault: _ORDER.index(fault.code))


def _fault(details: ErrorDetails) -> ProfileFault:
    code = _CODES.get(details["type"], ProfileCode.BAD_VALUE)
    path = tuple(part for part in details["loc"] if isinstance(part, str))
    if code is ProfileCode.UNKNOWN_KEY:
        return ProfileFault(code, path, f"unknown key; {suggestion(path[-1], _keys(path[:-1]))}")
    if code is ProfileCode.MISSING_KEY:
        return ProfileFault(code, path, f"is missing; {_describe(_annotation(path))}")
    return ProfileFault(code, path, _bad_value(details))


def _bad_value(details: ErrorDetails) -> str:
    path = tuple(part for part in details["loc"] if isinstance(part, str))
    value = details["input"]
    if details["type"] == "value_error":
        return str(details["ctx"]["error"])
    if words := _words(_annotation(path)):
        return f"is {str(value)[:60]!r}; {suggestion(str(value)[:60], words)}"
    return f"is {str(value)[:60]!r}; {details['msg'][0].lower()}{details['msg'][1:]}"


def _annotation(path: tuple[str, ...]) -> Any:
    """The type that the model gives to a key. Paths come from validation, so each part is a field."""
    model: Any = Profile
    for key in path:
        model = _bare(model).model_fields[key].annotation
    return model


def _bare(annotation: Any) -> Any:
    """`Table | None` without the None."""
    if isinstance(annotation, types.UnionType):
        return next(member for member in typing.get_args(annotation) if member is not types.NoneType)
    return annotation


def _keys(path: tuple[str, ...]) -> list[str]:
    return list(_bare(_annotation(path)).model_fields)


def _words(annotation: Any) -> list[str]:
    """The words that a key admits, where it admits only some: of an enum, alone or in an array."""
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return [member.value for member in annotation]
    return [word for inner in typing.get_args(annotation) for word in _words(inner)]


def _describe(annotation: Any) -> str:
    """What to write for a key that is missing."""
    bare = _bare(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return "add the table with " + ", ".join(bare.model_fields)
    if words := _words(bare):
        return "add it with one of " + ", ".join(map(repr, words))
    return "add it"
