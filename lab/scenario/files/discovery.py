"""Scenario files below folders."""

from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Final

from lab.scenario.files.errors import FileError, FileErrorCode, ScenarioError
from lab.scenario.files.reader import SUFFIX, Case, read
from lab.scenario.model.named_files import run_root

_ENDS: Final = ("yaml", "yml", "yaml.txt", "yml.txt")
_SIMILAR: Final = 0.85
"""The similarity with the end of a scenario file from which a name is taken for a mistake."""


def library_file(name: str) -> Path:
    """A file of the scenario library: below `lab/scenario/library` in the wheel, below `scenarios` in a checkout."""
    installed = Path(__file__).parents[1] / "library" / name
    return installed if installed.exists() else Path(__file__).parents[3] / "scenarios" / name


def cases(paths: Iterable[Path]) -> tuple[list[Case], list[ScenarioError]]:
    """The scenarios of the files at and below `paths`, and an error for each file or path that cannot be used."""
    errors: list[ScenarioError] = []
    return list(each_case(paths, errors.append)), errors


def is_nearly_named(name: str) -> bool:
    """Whether a file that is no scenario file seems to be meant as one.

    >>> [is_nearly_named(f"first{end}") for end in (".scenario.yaml", ".scenario.yml", "_Scenario.YAML", ".yaml")]
    [False, True, True, False]
    """
    lowered = name.lower()
    if name.endswith(SUFFIX) or not lowered.endswith(_ENDS):
        return False
    end = lowered.removesuffix(".txt")[-len(SUFFIX) :]
    return SUFFIX in lowered or SequenceMatcher(None, end, SUFFIX).ratio() >= _SIMILAR


def each_case(
    paths: Iterable[Path],
    report: Callable[[ScenarioError], None],
    warn: Callable[[str], None] = lambda _: None,
) -> Iterator[Case]:
    """Like `cases`, one by one. A file is read when its first scenario is requested; `report` receives the errors.

    `warn` receives a message for each file in a folder whose name is nearly that of a scenario file.

    The order of the files is that of their absolute paths, whatever the order and the form of `paths`.
    """
    listed: list[Path] = []
    paths = list(paths)
    for path in paths:
        below = [path] if path.exists() and not path.is_dir() else []
        for file in sorted(path.rglob("*")) if path.is_dir() else ():
            if file.name.endswith(SUFFIX):
                below.append(file)
            elif is_nearly_named(file.name) and file.is_file():
                warn(f"{file} is not run: the name of a scenario file ends in {SUFFIX}; rename it")
        listed += below
        if not below:
            message = f"contains no scenario file; the name of a scenario file ends in {SUFFIX}"
            if not path.exists():
                message = "does not exist; give a file or a folder"
            report(ScenarioError(str(path), [FileError(1, 1, FileErrorCode.UNREADABLE, "", message)]))
    absolute = {file.parent.resolve() / file.name: file for file in reversed(listed)}
    root = run_root(paths)
    for _, file in sorted(absolute.items()):
        if not str(file).isascii() and any("\ud800" <= each <= "\udfff" for each in str(file)):
            message = "has a name that is not UTF-8; rename it"
            report(ScenarioError(ascii(str(file)), [FileError(1, 1, FileErrorCode.UNREADABLE, "", message)]))
            continue
        try:
            yield from read(file, root)
        except ScenarioError as error:
            report(error)
