"""Files from outside, read up to a bound: a file that is too long costs no more than the bound."""

from pathlib import Path


class UserInputError(Exception):
    """What a user gave cannot be used. The message says what is wrong and what to do: a command ends with it."""


class UnusableFileError(UserInputError, ValueError):
    """A file cannot be read, is too long or is not text. The message names it, `reason` says why.

    `missing` is true if the system could not read it.
    """

    def __init__(self, file: Path, reason: str, *, missing: bool = False) -> None:
        super().__init__(f"cannot read {file}: {reason}" if missing else f"{file} {reason}")
        self.file = file
        self.reason = reason
        self.missing = missing


def is_file(name: str) -> bool:
    """Whether a file has this name. For a name that is too long some systems raise an error."""
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def is_path(value: str) -> bool:
    """Whether a value that can be a name or a path of a TOML file is a path.

    >>> is_path("havana"), is_path("lab.toml"), is_path("./lab.toml"), is_path("../lab")
    (False, True, True, True)
    """
    return "/" in value or value.endswith(".toml")


def may_be_read_by_others(file: Path) -> bool:
    """Whether users other than the owner of a file and its group can read or write it. Raises OSError."""
    return bool(file.stat().st_mode & 0o007)


def read_bytes(file: Path, limit: int) -> bytes:
    """The content of a file of at most `limit` bytes. Raises UnusableFileError."""
    try:
        with file.open("rb") as stream:
            content = stream.read(limit + 1)
    except OSError as error:
        raise UnusableFileError(file, error.strerror or "no regular file", missing=True) from error
    if len(content) > limit:
        raise UnusableFileError(file, f"is longer than {limit} bytes; give a smaller file")
    return content


def read_text(file: Path, limit: int) -> str:
    """The UTF-8 text of a file of at most `limit` bytes. Raises UnusableFileError."""
    content = read_bytes(file, limit)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnusableFileError(file, f"is not UTF-8 text in line {line}; save it as UTF-8") from error
