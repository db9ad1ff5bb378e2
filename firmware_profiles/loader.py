"""Reading profiles: strict, and every error names its file, its line, its key and the nearest valid word."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError

from firmware_profiles.diagnosis import diagnose
from firmware_profiles.errors import ProfileCode, ProfileError
from firmware_profiles.model import Profile
from text_input.suggestions import suggestion
from text_input.toml_positions import TomlPositions

FOLDER: Final = Path(__file__).parent
"""Where the shipped profiles are."""

_SIZE_MAX: Final = 64 * 1024
_AT_LINE: Final = re.compile(r"\(at line (\d+), column \d+\)")


def load(path: Path) -> Profile:
    """The profile in a file. Raises ProfileError."""
    raw = _read(path)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ProfileError(
            ProfileCode.UNREADABLE, path, line, "", "is not UTF-8; save it as UTF-8"
        ) from error
    return parse(text, path)


def parse(text: str, file: Path) -> Profile:
    """The profile in `text`; `file` is for messages, and its stem must be the profile's name. Raises ProfileError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, line = _syntax(str(error), text)
        raise ProfileError(ProfileCode.SYNTAX, file, line, "", message) from error
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
    """The names of the shipped profiles, sorted. Reads no file."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@cache
def load_named(name: str) -> Profile:
    """The shipped profile called `name`. Raises ProfileError, with the nearest names where there is none."""
    if name not in names():
        message = f"no profile is called {name!r}; {suggestion(name, names())}"
        raise ProfileError(ProfileCode.UNKNOWN_PROFILE, FOLDER, None, "", message)
    return load(FOLDER / f"{name}.toml")


def load_all() -> Mapping[str, Profile]:
    """Every shipped profile by its name. Raises ProfileError."""
    return MappingProxyType({name: load_named(name) for name in names()})


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(_SIZE_MAX + 1)
    except OSError as error:
        message = error.strerror or "cannot be read"
        raise ProfileError(ProfileCode.UNREADABLE, path, None, "", message) from error
    if len(raw) > _SIZE_MAX:
        message = f"is longer than {_SIZE_MAX} octets; a profile is a page of text"
        raise ProfileError(ProfileCode.UNREADABLE, path, None, "", message)
    return raw


def _syntax(message: str, text: str) -> tuple[str, int]:
    """The parser's message and the line in it; it writes of the end of the document without a number."""
    if found := _AT_LINE.search(message):
        return f"is not TOML: {_AT_LINE.sub('', message).strip()}", int(found[1])
    return f"is not TOML: {message}", len(text.split("\n"))
