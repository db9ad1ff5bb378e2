"""One self-contained HTML page with a summary, tables of results, and the details of scenarios.

The page is a function of the results. Real times come from `timings.js` next to it, when that file exists.
"""

import base64
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any, BinaryIO, Final

from markupsafe import Markup

from lab.handset.timeline_summary import DETAIL_NAMES
from lab.reports.templates import template
from lab.scenario.engine.result import ScenarioResult, Status, counts_text
from lab.scenario.output.cohorts import COHORT_SIZE_MIN, COHORTS_MAX, cohorts
from lab.scenario.output.failures import Failures
from lab.scenario.output.matrices import COLOURS, MARKS, Matrices, legend
from lab.scenario.output.page_data import Archive, Column, PooledColumn, ValuePool, in_script, scenario
from lab.scenario.output.report_file import ReportFooter, ReportHeader, UnusableFile
from lab.scenario.output.targets import TIMINGS_SCRIPT

TAGS_MAX: Final = 60
"""The maximum number of tags at the top of the page; the filter has all."""


def render(results: Iterable[ScenarioResult], unusable: Iterable[UnusableFile] = ()) -> str:
    """The page of these results, in their order, with their details."""
    report, seed = Report(io.BytesIO()), ""
    for result in results:
        seed = result.seed
        report.add(result)
    return "".join(report.html(ReportHeader("", seed), ReportFooter({}, tuple(unusable))))


class Report:
    """Collects results for one page. Columns of the index are kept compressed; details are in `spool`.

    The page loads no other resource, except `timings.js` if it is for a folder. All texts from files, devices and
    servers are escaped.
    """

    def __init__(self, spool: BinaryIO) -> None:
        self._archive = Archive(spool)
        self._matrices = Matrices()
        self._counts: Counter[Status] = Counter()
        self._tags: Counter[str] = Counter()
        self._seconds = 0.0
        self._failures = Failures()
        self._cohorts: list[dict[str, Any]] = []
        self._profiles, self._places = ValuePool(), ValuePool()
        # page.js has the names of the columns.
        self._rows = {
            name: Column() for name in ("id", "status", "elapsed", "story", "shape", "labels", "piece")
        }
        self._pools = {name: PooledColumn() for name in ("stories", "shapes", "tags")}

    def add(self, result: ScenarioResult) -> None:
        """Add a result."""
        self._counts[result.status] += 1
        self._tags.update(result.tags)
        self._seconds += result.elapsed
        self._matrices.add(result)
        self._failures.add(result)
        if len(result.handsets) >= COHORT_SIZE_MIN and len(self._cohorts) < COHORTS_MAX:
            self._cohorts.append(cohorts(result))
        shape = [
            [
                [self._profiles.number(profile) for profile in profiles],
                [self._places.number(place) for place in places],
            ]
            for profiles, places in dict.fromkeys((each.profiles, each.places) for each in result.handsets)
        ]
        detailed = bool(result.steps or result.error or result.because)
        row = {
            "id": result.id,
            "status": list(Status).index(result.status),
            "elapsed": int(result.elapsed),
            "story": self._pools["stories"].number([result.file, result.name, result.about]),
            "shape": self._pools["shapes"].number(shape),
            "labels": self._pools["tags"].number(list(result.tags)),
            "piece": self._archive.add(scenario(result)) if detailed else 0,
        }
        for name, value in row.items():
            self._rows[name].add(value)

    def html(self, header: ReportHeader, footer: ReportFooter, *, timings: bool = False) -> Iterator[str]:
        """The parts of the page. With `timings` it shows the times in `timings.js` next to it.

        Nothing can be added afterwards.
        """
        script = files("lab.scenario.output").joinpath("page.js").read_text("utf-8")
        index = {
            "names": DETAIL_NAMES,
            "statuses": [[status, MARKS[status]] for status in Status],
            "profiles": self._profiles.values,
            "places": self._places.values,
        }
        return template("lab.scenario.output", "page.html", {"counts_text": counts_text}).generate(
            header=header,
            footer=footer,
            counts=self._counts,
            colours=COLOURS,
            marks=MARKS,
            total=self._counts.total(),
            time=_duration(self._seconds),
            tags=sorted(self._tags.items(), key=lambda pair: (-pair[1], pair[0]))[:TAGS_MAX],
            failures=self._failures,
            unusable=[line for each in footer.unusable for line in each.lines],
            matrices=self._matrices.data(),
            omitted=len(self._matrices.omitted),
            legend=legend(),
            cohorts=self._cohorts,
            pieces=self._archive.pieces(),
            columns={name: column.packed() for name, column in (self._rows | self._pools).items()},
            timings=TIMINGS_SCRIPT if timings else None,
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
