"""Reads and validates profiles. Errors name the file, line, key and the nearest valid words."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from firmware_profiles.errors import ProfileError
from firmware_profiles.model import Profile
from text_input.documents import located, parse_document, read_document
from text_input.files import is_path

FOLDER: Final = Path(__file__).parent
"""The folder of the shipped profiles."""


def load(path: Path) -> Profile:
    """The profile in a file. Raises ProfileError."""
    return parse(read_document(path, ProfileError), path)


def parse(text: str, file: Path) -> Profile:
    """The profile in `text`. The stem of `file` must be the profile's name. Raises ProfileError."""
    profile = parse_document(text, str(file), Profile, ProfileError)
    if profile.name != file.stem:
        message = f"is {profile.name!r} in a file called {file.name!r}; give both the same name"
        raise ProfileError(located(text, str(file), [(("profile", "name"), message)]))
    return profile


@cache
def names() -> tuple[str, ...]:
    """The names of the shipped profiles, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@cache
def load_named(name: str) -> Profile:
    """The shipped profile called `name`. Raises ProfileError, which suggests the nearest names."""
    if name not in names():
        raise ProfileError.unknown("profile", name, names())
    return load(FOLDER / f"{name}.toml")


def find(value: str, folder: Path = Path()) -> Profile:
    """The shipped profile of this name, or the profile of a file if `value` is a path, relative to `folder`.

    Raises ProfileError.
    """
    if not is_path(value) and value not in names():
        raise ProfileError.unknown("profile", value, names(), folder)
    return load(folder / value) if is_path(value) else load_named(value)


def load_all() -> Mapping[str, Profile]:
    """All shipped profiles by name. Raises ProfileError."""
    return MappingProxyType({name: load_named(name) for name in names()})
