"""One self-contained HTML page: summary and matrices for everybody, each scenario when it is opened."""

from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.files.errors import ScenarioError
from lab.scenario.output.cohorts import COHORT, SHOWN, cohorts
from lab.scenario.output.failures import Failures
from lab.scenario.output.matrices import COLOURS, Matrices, legend
from lab.scenario.output.packing import Archive, Pool, in_script
from lab.scenario.output.page_data import scenario


def render(results: Iterable[ScenarioResult]) -> str:
    """The page of these scenarios, in their order."""
    report = Report()
    for result in results:
        report.add(result)
    return report.html()


class Report:
    """Takes one result after the other, and keeps what the page says of it: packed, so that thousands fit.

    The page needs nothing from outside. All that came from files, phones and servers is escaped.
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
        self._stories, self._profiles, self._places = Pool(), Pool(), Pool()

    def add(self, result: ScenarioResult) -> None:
        """Take one more."""
        self._counts[result.status] += 1
        self._seconds += result.elapsed
        self._seeds.add(result.seed)
        self._matrices.add(result)
        self._rows.append(self._row(result))
        self._failures.add(result)
        if len(result.handsets) >= COHORT and len(self._cohorts) < SHOWN:
            self._cohorts.append(cohorts(result))

    def _row(self, result: ScenarioResult) -> list[Any]:
        """What can be searched for, and where the rest is. The names of the columns are in `page.js`."""
        return [
            result.id,
            result.status,
            result.elapsed,
            self._stories.number([result.file, result.name, result.about]),
            [
                [list(map(self._profiles.number, each.profiles)), list(map(self._places.number, each.places))]
                for each in result.handsets
            ],
            *self._archive.add(scenario(result)),
        ]

    def html(self, faults: Sequence[ScenarioError] = ()) -> str:
        """The page, with the files that cannot be used."""
        self._archive.close()
        environment = Environment(
            loader=PackageLoader("lab.scenario.output", "."), autoescape=True, undefined=StrictUndefined
        )
        script = files("lab.scenario.output").joinpath("page.js").read_text("utf-8")
        index = {
            "rows": self._rows,
            "stories": self._stories.values,
            "profiles": self._profiles.values,
            "places": self._places.values,
        }
        return environment.get_template("page.html").render(
            counts=self._counts,
            colours=COLOURS,
            total=len(self._rows),
            time=_length(self._seconds),
            seeds=sorted(self._seeds),
            failures=self._failures,
            unusable=[line for fault in faults for line in fault.lines()],
            matrices=self._matrices.drawn(),
            legend=legend(),
            cohorts=self._cohorts,
            pieces=self._archive.pieces,
            index=Markup(in_script(index)),  # noqa: S704 - JSON without any character of markup
            script=Markup(script),  # noqa: S704 - a file of this package
        )


def _length(seconds: float) -> str:
    """A length of time in its own unit.

    >>> _length(20), _length(5400), _length(259200)
    ('20 s', '1.5 hours', '3.0 days')
    """
    if seconds < 3600:
        return f"{seconds:.0f} s"
    return f"{seconds / 3600:.1f} hours" if seconds < 86_400 else f"{seconds / 86_400:.1f} days"
