"""Scenario files below folders."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lab.scenario.files.errors import FileError, FileErrorCode, ScenarioError
from lab.scenario.files.reader import SUFFIX, Case, read


def library_file(name: str) -> Path:
    """A file of the scenario library: below `lab/scenario/library` in the wheel, below `scenarios` in a checkout."""
    installed = Path(__file__).parents[1] / "library" / name
    return installed if installed.exists() else Path(__file__).parents[3] / "scenarios" / name


def cases(paths: Iterable[Path]) -> tuple[list[Case], list[ScenarioError]]:
    """The scenarios of the files at and below `paths`, and an error for each file or path that cannot be used."""
    errors: list[ScenarioError] = []
    return list(each_case(paths, errors.append)), errors


def each_case(paths: Iterable[Path], report: Callable[[ScenarioError], None]) -> Iterator[Case]:
    """Like `cases`, one by one. A file is read when its first scenario is requested; `report` receives the errors.

    The order of the files is that of their absolute paths, whatever the order and the form of `paths`.
    """
    listed: list[Path] = []
    for path in paths:
        below = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path] if path.exists() else []
        listed += below
        if not below:
            message = f"contains no scenario file; the name of a scenario file ends in {SUFFIX}"
            if not path.exists():
                message = "does not exist; give a file or a folder"
            report(ScenarioError(str(path), [FileError(1, 1, FileErrorCode.UNREADABLE, "", message)]))
    absolute = {file.parent.resolve() / file.name: file for file in reversed(listed)}
    for _, file in sorted(absolute.items()):
        if not str(file).isascii() and any("\ud800" <= each <= "\udfff" for each in str(file)):
            message = "has a name that is not UTF-8; rename it"
            report(ScenarioError(ascii(str(file)), [FileError(1, 1, FileErrorCode.UNREADABLE, "", message)]))
            continue
        try:
            yield from read(file)
        except ScenarioError as error:
            report(error)
