"""Scenario files as pytest tests: loaded by `scenarios/conftest.py`, or by `-p lab.scenario.pytest_plugin` anywhere.

pytest scenarios/ -n 2 -k "havana and official-global" -m "lock and not slow" --junitxml=scenarios.xml

The tags of a scenario are marks, also with `_` instead of `-`. A tag that has a meaning for pytest, such as `skip` or
`not`, is the mark `tag-skip` or `tag-not`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from lab.backend.hosts import InProcessHost
from lab.backend.http_host import HttpHost
from lab.scenario.engine.context import OutputOptions
from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.engine.runner import Plan, run_case
from lab.scenario.files.errors import ScenarioError
from lab.scenario.files.reader import SUFFIX, Case, read
from lab.scenario.output.explain import explain, reason

RESERVED: Final = (
    *("and", "or", "not"),
    *("filterwarnings", "parametrize", "skip", "skipif", "usefixtures", "xfail"),
)
"""Words that have another meaning in `pytest -m` or as a mark."""


def marks_of(tag: str) -> set[str]:
    """The marks of a tag.

    >>> sorted(marks_of("grey-market")), marks_of("lock"), sorted(marks_of("skip"))
    (['grey-market', 'grey_market'], {'lock'}, ['tag-skip', 'tag_skip'])
    """
    name = f"tag-{tag}" if tag in RESERVED else tag
    return {name, name.replace("-", "_")}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of scenarios."""
    group = parser.getgroup("scenarios")
    group.addoption("--scenario-seed", default="2021", help="the same seed gives the same results")
    group.addoption("--scenario-screenshots", default="screenshots", help="the folder of screenshots")
    group.addoption("--scenario-update-golden", action="store_true", help="write the files of `golden` steps")
    group.addoption(
        "--scenario-enforce-time", action="store_true", help="fail above the budget of processor time"
    )
    group.addoption("--scenario-http", action="store_true", help="run over real HTTP on this machine")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ScenarioFile | None":
    """A collector for a scenario file."""
    if file_path.name.endswith(SUFFIX):
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


class ScenarioFile(pytest.File):
    """A file, with one test for each of its scenarios."""

    def collect(self) -> Iterator["ScenarioItem"]:
        """The scenarios, by their stable ids."""
        try:
            cases = read(self.path)
        except ScenarioError as error:
            raise self.CollectError(str(error)) from None
        for tag in {tag for case in cases for tag in case.scenario.tags}:
            for mark in marks_of(tag):
                self.config.addinivalue_line("markers", f"{mark}: a tag of scenarios")
        for case in cases:
            yield ScenarioItem.from_parent(self, name=case.id, case=case)


class ScenarioItem(pytest.Item):
    """One scenario."""

    def __init__(self, *, case: Case, **rest: Any) -> None:
        super().__init__(**rest)
        self._case = case
        for tag in case.scenario.tags:
            self.extra_keyword_matches.add(tag)
            for mark in marks_of(tag):
                self.add_marker(mark)

    def runtest(self) -> None:
        """Run the scenario. Raises ScenarioFailedError, and whatever a defect of the program raises."""
        host = HttpHost if self.config.getoption("--scenario-http") else InProcessHost
        output = OutputOptions(
            Path(self.config.getoption("--scenario-screenshots")),
            self.config.getoption("--scenario-update-golden"),
        )
        enforce = self.config.getoption("--scenario-enforce-time")
        seed = self.config.getoption("--scenario-seed")
        result = run_case(Plan(seed, host=host, enforce_time=enforce, output=output), self._case)
        if result.status is Status.SKIPPED:
            pytest.skip(reason(result))
        if result.status is Status.EXPECTED_FAILURE:
            pytest.xfail(reason(result))
        if result.status is not Status.PASSED:
            raise ScenarioFailedError(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The explanation of a failed scenario instead of a traceback."""
        if isinstance(excinfo.value, ScenarioFailedError):
            return explain(excinfo.value.result)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """File, line and name."""
        return self.path, self._case.steps[0][0] - 1, self.name


class ScenarioFailedError(Exception):
    """A scenario did not pass."""

    def __init__(self, result: ScenarioResult) -> None:
        super().__init__(f"{result.id}: {result.status}")
        self.result = result
