"""Finding scenario files, and choosing among the scenarios in them."""

from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from lab.scenario.files.errors import Fault, ScenarioError, Wrong
from lab.scenario.files.reader import SUFFIX, Case, read


def files(paths: Iterable[Path]) -> list[Path]:
    """The scenario files among `paths` and below them, sorted by name. Raises ScenarioError for a path without any."""
    found: list[Path] = []
    for path in paths:
        below = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path] if path.exists() else []
        if not below:
            message = f"holds no scenario; a scenario file ends in {SUFFIX}"
            if not path.exists():
                message = "is not there; name a file or a folder"
            raise ScenarioError(str(path), [Fault(1, 1, Wrong.UNREADABLE, "", message)])
        found += below
    return list(dict.fromkeys(found))


def library_file(name: str) -> Path:
    """A file of the scenario library: below `lab/scenario/library` in the wheel, below `scenarios` in a checkout."""
    installed = Path(__file__).parents[1] / "library" / name
    return installed if installed.exists() else Path(__file__).parents[3] / "scenarios" / name


def cases(paths: Iterable[Path], only: str | None = None) -> tuple[list[Case], list[ScenarioError]]:
    """Every scenario in the files, and what is wrong with files that cannot be used.

    `only` chooses by id or by combination, with wildcards.
    """
    faults: list[ScenarioError] = []
    return list(each_case(paths, only, faults.append)), faults


def each_case(
    paths: Iterable[Path], only: str | None, report: Callable[[ScenarioError], None]
) -> Iterator[Case]:
    """As `cases`, one by one. A file is read when its first scenario is asked for; `report` gets the faults."""
    listed: list[Path] = []
    for path in paths:
        try:
            listed += files([path])
        except ScenarioError as error:
            report(error)
    for file in dict.fromkeys(listed):
        try:
            yield from (case for case in read(file) if chosen(case, only))
        except ScenarioError as error:
            report(error)


def chosen(case: Case, only: str | None) -> bool:
    """Whether a scenario is meant by `only`."""
    if only is None:
        return True
    return any(_same(text, only) for text in (case.id, case.combination, case.stem))


def _same(text: str, pattern: str) -> bool:
    return text == pattern or fnmatchcase(text, pattern)
