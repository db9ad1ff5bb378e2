"""Reads and validates profiles. Errors name the file, line, key and the nearest valid words."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError

from firmware_profiles.diagnosis import diagnose
from firmware_profiles.errors import ProfileCode, ProfileError
from firmware_profiles.model import Profile
from text_input.files import UnusableFileError, is_path, read_bytes
from text_input.suggestions import suggestion
from text_input.toml import TomlError, TomlPositions, parse_toml

FOLDER: Final = Path(__file__).parent
"""The folder of the shipped profiles."""

_SIZE_MAX: Final = 64 * 1024


def load(path: Path) -> Profile:
    """The profile in a file. Raises ProfileError."""
    try:
        raw = read_bytes(path, _SIZE_MAX)
    except UnusableFileError as error:
        raise ProfileError(ProfileCode.UNREADABLE, path, None, "", error.reason) from error
    try:
        return parse(raw.decode("utf-8"), path)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ProfileError(
            ProfileCode.UNREADABLE, path, line, "", "is not UTF-8; save it as UTF-8"
        ) from error


def parse(text: str, file: Path) -> Profile:
    """The profile in `text`. The stem of `file` must be the profile's name. Raises ProfileError."""
    try:
        document = parse_toml(text)
    except TomlError as error:
        message = f"is not TOML: {error.detail}"
        raise ProfileError(ProfileCode.SYNTAX, file, error.line, "", message) from error
    try:
        profile = Profile.model_validate(document)
    except ValidationError as error:
        fault = diagnose(error)
        line = TomlPositions(text).line_of(fault.path)
        raise ProfileError(fault.code, file, line, ".".join(fault.path), fault.message) from None
    if profile.name != file.stem:
        message = f"is {profile.name!r} in a file called {file.name!r}; give both the same name"
        line = TomlPositions(text).line_of(("profile", "name"))
        raise ProfileError(ProfileCode.BAD_VALUE, file, line, "profile.name", message)
    return profile


def names() -> tuple[str, ...]:
    """The names of the shipped profiles, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@cache
def load_named(name: str) -> Profile:
    """The shipped profile called `name`. Raises ProfileError, which suggests the nearest names."""
    if name not in names():
        message = f"no profile is called {name!r}; {suggestion(name, names())}"
        raise ProfileError(ProfileCode.UNKNOWN_PROFILE, FOLDER, None, "", message)
    return load(FOLDER / f"{name}.toml")


def find(value: str, folder: Path = Path()) -> Profile:
    """The shipped profile of this name, or the profile of a file if `value` is a path, relative to `folder`.

    Raises ProfileError.
    """
    return load(folder / value) if is_path(value) else load_named(value)


def load_all() -> Mapping[str, Profile]:
    """All shipped profiles by name. Raises ProfileError."""
    return MappingProxyType({name: load_named(name) for name in names()})
