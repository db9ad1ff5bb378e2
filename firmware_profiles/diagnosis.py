"""Explains a validation error to the author of a profile."""

import types
import typing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from firmware_profiles.errors import ProfileCode
from firmware_profiles.model import Profile
from text_input.suggestions import suggestion

_CODES: Final = {"extra_forbidden": ProfileCode.UNKNOWN_KEY, "missing": ProfileCode.MISSING_KEY}
_ORDER: Final = (ProfileCode.UNKNOWN_KEY, ProfileCode.BAD_VALUE, ProfileCode.MISSING_KEY)
"""A misspelt key is both unknown and missing. The unknown key comes first: the author sees it in the file."""


@dataclass(frozen=True, slots=True)
class ProfileFault:
    """One error in a profile. `path` has only keys, no indices."""

    code: ProfileCode
    path: tuple[str, ...]
    message: str


def diagnose(error: ValidationError) -> ProfileFault:
    """The fault to report first: an unknown key, then a bad value, then a missing key."""
    details = error.errors(include_url=False)
    first = min(details, key=lambda each: _ORDER.index(_CODES.get(each["type"], ProfileCode.BAD_VALUE)))
    code = _CODES.get(first["type"], ProfileCode.BAD_VALUE)
    path = tuple(part for part in first["loc"] if isinstance(part, str))
    if code is ProfileCode.UNKNOWN_KEY:
        keys = _bare(_annotation(path[:-1])).model_fields
        return ProfileFault(code, path, f"unknown key; {suggestion(path[-1], keys)}")
    if code is ProfileCode.MISSING_KEY:
        return ProfileFault(code, path, f"is missing; {_how_to_add(_annotation(path))}")
    if first["type"] == "value_error":
        return ProfileFault(code, path, str(first["ctx"]["error"]))
    value = str(first["input"])[:60]
    words = _words(_annotation(path))
    advice = suggestion(value, words) if words else f"{first['msg'][0].lower()}{first['msg'][1:]}"
    return ProfileFault(code, path, f"is {value!r}; {advice}")


def _annotation(path: tuple[str, ...]) -> Any:
    """The type of a key in the model. Each part of a path from validation is a field."""
    model: Any = Profile
    for key in path:
        model = _bare(model).model_fields[key].annotation
    return model


def _bare(annotation: Any) -> Any:
    """A union with None, without the None."""
    if isinstance(annotation, types.UnionType):
        return next(member for member in typing.get_args(annotation) if member is not types.NoneType)
    return annotation


def _words(annotation: Any) -> list[str]:
    """The permitted words of a key whose type is an enum or an array of one; else empty."""
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return [member.value for member in annotation]
    return [word for inner in typing.get_args(annotation) for word in _words(inner)]


def _how_to_add(annotation: Any) -> str:
    """What to write for a missing key."""
    bare = _bare(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return "add the table with " + ", ".join(bare.model_fields)
    if words := _words(bare):
        return "add it with one of " + ", ".join(map(repr, words))
    return "add it"
