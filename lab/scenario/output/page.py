"""One self-contained HTML page with a summary, tables of results, and the details of each scenario."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from lab.reports.templates import template
from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.files.errors import ScenarioError
from lab.scenario.output.cohorts import COHORT_SIZE_MIN, COHORTS_MAX, cohorts
from lab.scenario.output.failures import Failures
from lab.scenario.output.matrices import COLOURS, Matrices, legend
from lab.scenario.output.page_data import Archive, ValuePool, in_script, scenario


def render(results: Iterable[ScenarioResult]) -> str:
    """The page of these results, in their order."""
    report = Report()
    for result in results:
        report.add(result)
    return report.html()


class Report:
    """Collects results for one page. The details are compressed, so memory suffices for thousands of scenarios.

    The page loads no other resource. All texts from files, devices and servers are escaped.
    """

    def __init__(self) -> None:
        self._archive = Archive()
        self._matrices = Matrices()
        self._counts: Counter[Status] = Counter()
        self._seconds = 0.0
        self._seeds: set[str] = set()
        self._failures = Failures()
        self._cohorts: list[dict[str, Any]] = []
        self._rows: list[list[Any]] = []
        self._stories, self._profiles, self._places = ValuePool(), ValuePool(), ValuePool()

    def add(self, result: ScenarioResult) -> None:
        """Add a result."""
        self._counts[result.status] += 1
        self._seconds += result.elapsed
        self._seeds.add(result.seed)
        self._matrices.add(result)
        self._rows.append(  # page.js has the names of the columns
            [
                result.id,
                result.status,
                result.elapsed,
                self._stories.number([result.file, result.name, result.about]),
                [
                    [
                        [self._profiles.number(profile) for profile in each.profiles],
                        [self._places.number(place) for place in each.places],
                    ]
                    for each in result.handsets
                ],
                *self._archive.add(scenario(result)),
            ]
        )
        self._failures.add(result)
        if len(result.handsets) >= COHORT_SIZE_MIN and len(self._cohorts) < COHORTS_MAX:
            self._cohorts.append(cohorts(result))

    def html(self, unusable: Sequence[ScenarioError] = ()) -> str:
        """The page, with the errors of files that cannot be used."""
        self._archive.close()
        script = files("lab.scenario.output").joinpath("page.js").read_text("utf-8")
        index = {
            "rows": self._rows,
            "stories": self._stories.values,
            "profiles": self._profiles.values,
            "places": self._places.values,
        }
        return template("lab.scenario.output", "page.html").render(
            counts=self._counts,
            colours=COLOURS,
            total=len(self._rows),
            time=_duration(self._seconds),
            seeds=sorted(self._seeds),
            failures=self._failures,
            unusable=[line for error in unusable for line in error.lines()],
            matrices=self._matrices.data(),
            legend=legend(),
            cohorts=self._cohorts,
            pieces=self._archive.pieces,
            index=Markup(in_script(index)),  # noqa: S704 - JSON without markup characters
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            script=Markup(script),  # noqa: S704 - a file of this package
        )


def _duration(seconds: float) -> str:
    """A duration in seconds, hours or days.

    >>> _duration(20), _duration(5400), _duration(259200)
    ('20 s', '1.5 hours', '3.0 days')
    """
    if seconds < 3600:
        return f"{seconds:.0f} s"
    return f"{seconds / 3600:.1f} hours" if seconds < 86_400 else f"{seconds / 86_400:.1f} days"
