"""Errors in profiles, with a stable code, the file, the line and the key."""

from enum import StrEnum
from pathlib import Path

from text_input.files import UserInputError
from text_input.printable import shortened


class ProfileCode(StrEnum):
    """Stable codes of `ProfileError`."""

    UNREADABLE = "unreadable"
    """The file cannot be read, or is not UTF-8."""
    SYNTAX = "syntax"
    """The file is not TOML."""
    UNKNOWN_KEY = "unknown-key"
    MISSING_KEY = "missing-key"
    BAD_VALUE = "bad-value"
    UNKNOWN_PROFILE = "unknown-profile"
    """No shipped profile has this name."""


class ProfileError(UserInputError):
    """A profile cannot be used.

    `line` counts from 1, or is None if no line applies. `key` is the dotted key, or empty if no key applies.
    `message` says what is wrong and what to do.
    """

    def __init__(self, code: ProfileCode, file: Path, line: int | None, key: str, message: str) -> None:
        where = f"{file}:{line}" if line else f"{file}"
        key, message = shortened(key), shortened(message)
        super().__init__(f"{where}: {key}: {message}" if key else f"{where}: {message}")
        self.code = code
        self.file = file
        self.line = line
        self.key = key
        self.message = message
