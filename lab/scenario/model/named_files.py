"""Names in scenario files that can also be paths of TOML files: profiles, places and policies.

A value is a path if it has a `/` or ends in `.toml`. It is relative to the file in which it is written, and leads to a
file below the root of the run, not through a link to another folder.
"""

import os
import stat
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from firmware_profiles.loader import find
from firmware_profiles.loader import names as profile_names
from lab.manufacturer.policies import BEFORE, LANTERN
from lab.scenario.model.field_types import Line
from lab.world.places import load_places, resolve_place
from server_stub import policies
from server_stub.policy.errors import PolicyError
from server_stub.policy.policy import Policy
from text_input.documents import DocumentError, read_document
from text_input.files import UnusableFileError, is_path, read_text
from text_input.suggestions import suggestion

ROOT_MARKS: Final = (".git", "pyproject.toml")
"""A folder that has one of these is the root of what is below it."""

_LISTED_MAX: Final = 1000
"""Most files of a folder that are compared with a name that is wrong."""


def run_root(paths: Iterable[Path]) -> Path:
    """The root of a run of these paths: their common folder, or the nearest above it with one of `ROOT_MARKS`."""
    folders = [str(path.resolve() if path.is_dir() else path.parent.resolve()) for path in paths]
    common = Path(os.path.commonpath(folders)) if folders else Path.cwd()
    above = (
        folder for folder in (common, *common.parents) if any((folder / mark).exists() for mark in ROOT_MARKS)
    )
    return next(above, common)


class IncludedText(str):
    """Text of an included file. `folder` is that of the file, relative to the folder of the scenario."""

    __slots__ = ("folder",)
    folder: str

    def __new__(cls, text: str, folder: str) -> "IncludedText":
        """The text, written in a file in `folder`."""
        made = super().__new__(cls, text)
        made.folder = folder
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return IncludedText, (str(self), self.folder)


def policy_text(name: str, folder: Path) -> str:
    """The document of a shipped policy, or of a file in `folder`. Raises PolicyError."""
    own = {"open-2021-08": BEFORE, "lantern-open": LANTERN}
    if name in own:
        return own[name]
    if is_path(name):
        return read_document(folder / name, PolicyError)
    if name not in policies.names():
        raise PolicyError.unknown("policy", name, [*policies.names(), *own], folder)
    return policies.read(name)


def policy_named(name: str, folder: Path) -> Policy:
    """The policy of that document. Raises PolicyError."""
    return _parsed_policy(policy_text(name, folder), str(folder / name) if is_path(name) else name)


@lru_cache(maxsize=32)
def _parsed_policy(text: str, source: str) -> Policy:
    return Policy.parse(text, source)


@dataclass(frozen=True, slots=True)
class FileScope:
    """The folder of a scenario, and the root of its run: an absolute folder without links."""

    folder: Path = Path()
    root: Path = field(default_factory=Path.cwd)
    _read: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def relative(self, value: str) -> str:
        """The path of a file, relative to the folder of the scenario. Raises ValueError."""
        text = written = str(value)
        if text.startswith("/"):
            raise ValueError(
                f"{text!r} is an absolute path; write it relative to the file, as in ./{Path(text).name}"
            )
        text = os.path.normpath(f"{getattr(value, 'folder', '') or '.'}/{text}")
        text = text if is_path(text) else f"./{text}"
        path = self.folder.resolve() / text
        try:
            real = path.resolve()
            mode = real.stat().st_mode if real.exists() else None
        except (OSError, ValueError, RuntimeError):  # a name that is too long, a null byte, a loop of links
            raise ValueError(f"{written!r} is not the name of a file; correct the path") from None
        if not real.is_relative_to(self.root):
            linked = Path(os.path.normpath(path)).is_relative_to(self.root)
            where = "leads through a link" if linked else "is"
            raise self.outside(written, where)
        if mode is None:
            raise ValueError(f"no file is called {written!r}; {_nearest(path)}")
        if not stat.S_ISREG(mode):
            raise ValueError(f"{written!r} is no file; name a file")
        return text

    def outside(self, written: str, where: str = "is") -> ValueError:
        """The error for a path that leads out of the root."""
        return ValueError(
            f"{written!r} {where} outside {self.root}; move it there: a scenario names only files below the nearest "
            "folder with .git or pyproject.toml above the paths of the run, or else below their common folder"
        )

    def load(self, reader: Callable[[str, Path], Any], name: str) -> Any:
        """What `reader` returns for a name or a path, read once. Raises ValueError."""
        key = (reader, name)
        if key not in self._read:
            try:
                self._read[key] = reader(name, self.folder)
            except DocumentError as error:
                self._read[key] = ValueError(error.summary)
        found = self._read[key]
        if isinstance(found, ValueError):
            raise found
        return found

    def text(self, path: str, limit: int) -> str:
        """The text of a file of at most `limit` bytes. `path` is from `relative`. Raises ValueError."""
        try:
            return read_text(self.folder / path, limit)
        except UnusableFileError as error:
            raise ValueError(f"{path!r} cannot be used: {error.reason}") from error


def _nearest(path: Path) -> str:
    try:
        names = [entry.name for entry, _ in zip(os.scandir(path.parent), range(_LISTED_MAX), strict=False)]
    except OSError:
        names = []
    return suggestion(path.name, names, "correct the path, which is relative to the file that has it")


def _located(value: str, scope: FileScope) -> str:
    """The value, whose path is relative to the folder of the scenario. Raises ValueError."""
    path, mark, part = value.partition("#")
    return f"{scope.relative(IncludedText(path, getattr(value, 'folder', '')))}{mark}{part}"


def _known(reader: Callable[[str, Path], Any]) -> BeforeValidator:
    """A name, or a path that `reader` can read."""

    def check(value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str):
            return value
        scope: FileScope = info.context or FileScope()
        path = _located(value, scope) if is_path(value.partition("#")[0]) else value
        scope.load(reader, path)
        return path

    return BeforeValidator(check)


def _schema(names: Collection[str]) -> WithJsonSchema:
    """One of the names, or a path."""
    path = {"type": "string", "pattern": r"/|\.toml(#.*)?$", "description": "The path of a TOML file."}
    return WithJsonSchema({"anyOf": [{"type": "string", "enum": list(names)}, path]})


ProfileName = Annotated[str, _known(find), _schema(profile_names())]
"""A firmware profile that the project ships, or the path of one."""

PlaceName = Annotated[str, _known(resolve_place), _schema(load_places())]
"""A place of the lab, or the path of a file with one."""


def _policy(value: Any, info: ValidationInfo) -> Any:
    scope: FileScope | None = info.context
    return _located(value, scope) if scope and isinstance(value, str) and is_path(value) else value


PolicyName = Annotated[Line, BeforeValidator(_policy)]
"""A policy that the project ships, or the path of one. Whether it is usable is checked before the run."""
