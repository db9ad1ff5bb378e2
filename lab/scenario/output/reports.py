"""All reports of a run, written while it runs. In memory stays little: the compressed index of the page, and sums."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from lab.reports.replaced_file import replacing
from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.output.allure import AllureFolder
from lab.scenario.output.junit import Suite
from lab.scenario.output.page import Report
from lab.scenario.output.report_file import ReportFooter, ReportHeader, ReportWriter, UnusableFile
from lab.scenario.output.targets import JUNIT, PAGE, REPORT, TIMINGS, TIMINGS_SCRIPT, ReportTargets
from lab.scenario.output.timings import RunTimes, Timings


class Reports(AbstractContextManager["Reports"]):
    """The reports of one run. They replace older ones in `close`; if the block ends before, nothing is replaced.

    `counts` has the statuses of the results so far. Opening, `add` and `close` raise OSError.
    """

    def __init__(self, targets: ReportTargets, header: ReportHeader) -> None:
        self._stack = ExitStack()

        def spool() -> BinaryIO:
            return self._stack.enter_context(tempfile.TemporaryFile())

        folder = targets.folder
        self._targets, self._header = targets, header
        self.counts: Counter[Status] = Counter()
        report = self._stack.enter_context(replacing(folder / REPORT)) if folder else None
        self._writer = ReportWriter(report, header) if report else None
        self._page = Report(spool()) if folder or targets.html else None
        self._suite = Suite(spool(), times=targets.junit_times) if folder or targets.junit else None
        self._timings = Timings(spool()) if folder else None
        self._allure = AllureFolder(targets.allure, header) if targets.allure else None

    def add(self, result: ScenarioResult) -> None:
        """Add a result that `reported` or the reader of a report returned."""
        self.counts[result.status] += 1
        for each in (self._writer, self._page, self._suite, self._timings, self._allure):
            if each is not None:
                each.add(result)

    def close(
        self, runs: Sequence[RunTimes], unusable: Iterable[UnusableFile] = (), *, complete: bool = True
    ) -> None:
        """Write what can be written only at the end."""
        counts = {status: self.counts[status] for status in Status if self.counts[status]}
        footer = ReportFooter(counts, tuple(unusable), complete)
        if self._writer:
            self._writer.close(footer)
        folder = self._targets.folder
        if self._timings and folder:
            with replacing(folder / TIMINGS) as times, replacing(folder / TIMINGS_SCRIPT) as script:
                self._timings.write(times, runs)
                self._timings.write_script(script, runs)
        for file in (folder and folder / JUNIT, self._targets.junit):
            if self._suite and file:
                _write(file, self._suite.document(footer))
        for file in (folder and folder / PAGE, self._targets.html):
            if self._page and file:
                in_folder = file.parent == folder
                html = self._page.html(self._header, footer, timings=in_folder)
                _write(file, (part.encode() for part in html))
        if self._allure:
            self._allure.close(footer)
        self._stack.close()

    def __exit__(self, *raised: Any) -> None:
        self._stack.__exit__(*raised)


def _write(file: Path, parts: Iterable[bytes]) -> None:
    with replacing(file) as stream:
        stream.writelines(parts)
