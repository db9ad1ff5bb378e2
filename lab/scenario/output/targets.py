"""The files of the reports of a run. This module imports nothing that the run itself does not need."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

REPORT: Final = "report.json"
PAGE: Final = "report.html"
JUNIT: Final = "junit.xml"
TIMINGS: Final = "timings.json"
TIMINGS_SCRIPT: Final = "timings.js"
"""The times for the page, which may load a script from a disk, but may read no other file."""


@dataclass(frozen=True, slots=True)
class ReportTargets:
    """Where reports are written: all of them into `folder`, single ones into files, those of Allure into `allure`.

    JUnit has times only with `junit_times`.
    """

    folder: Path | None = None
    html: Path | None = None
    junit: Path | None = None
    junit_times: bool = False
    allure: Path | None = None

    @property
    def folders(self) -> list[Path]:
        """Every folder that files are written into."""
        return [folder for folder in (self.folder, self.allure) if folder]

    @property
    def in_folder(self) -> list[Path]:
        """The files in `folder`."""
        names = (PAGE, REPORT, JUNIT, TIMINGS, TIMINGS_SCRIPT)
        return [self.folder / name for name in names] if self.folder else []

    @property
    def files(self) -> list[Path]:
        """Every file that is written, without those of Allure."""
        return self.in_folder + [file for file in (self.html, self.junit) if file]
