"""The report options of `activation run`: checked before the run, and written while it runs."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lab.cli import output
from lab.cli.lazy import deferred
from lab.reports.replaced_file import DEVICE_FOLDERS
from lab.scenario.output.targets import PAGE

with deferred():
    from lab.scenario.files import reader
    from lab.scenario.output import report_file, reports, timings

if TYPE_CHECKING:
    from pathlib import Path

    from lab.scenario.engine.result import ScenarioResult
    from lab.scenario.engine.runner import Plan
    from lab.scenario.files.errors import ScenarioError
    from lab.scenario.files.shards import ShardPart
    from lab.scenario.output.run_root import RunRoot
    from lab.scenario.output.targets import ReportTargets


class RunReports(AbstractContextManager["RunReports"]):
    """The reports of a run; none without targets. Methods exit with an error if a file cannot be written."""

    def __init__(
        self,
        targets: "ReportTargets",
        root: "RunRoot",
        plan: "Plan",
        commit: str | None,
        part: "ShardPart | None",
    ) -> None:
        self._reports: reports.Reports | None = None
        self._targets, self._root, self._plan, self._began = targets, root, plan, datetime.now(UTC)
        if targets.files or targets.allure:
            header = report_file.ReportHeader(
                commit or root.commit(), plan.seed, details=plan.details, shard=part
            )
            with errors():
                self._reports = reports.Reports(targets, header)

    def __exit__(self, *raised: Any) -> None:
        if self._reports:
            self._reports.__exit__(*raised)

    def add(self, each: "ScenarioResult") -> None:
        """Add a result."""
        if self._reports:
            with errors():
                self._reports.add(report_file.reported(each, self._root, details=self._plan.details))

    def close(self, faults: "Iterable[ScenarioError]", interrupted: str | None = None) -> None:
        """Write the end of the reports. `interrupted` says by what the run ended early, None if it did not."""
        if self._reports:
            unusable = [report_file.UnusableFile(self._root.name(each.file), each.errors) for each in faults]
            runs = [timings.RunTimes.until_now(self._began, self._plan.workers, interrupted)]
            with errors():
                self._reports.close(runs, unusable, complete=interrupted is None)
            note_written(self._targets)


def check(targets: "ReportTargets") -> None:
    """Check before the run that the files can be written and that none is written twice or is a scenario."""
    for folder in targets.folders:
        if folder.is_symlink():
            output.exit_with_error(
                f"cannot write to {folder}: it is a symbolic link; name the folder itself", output.ENVIRONMENT
            )
        with errors():
            folder.mkdir(parents=True, exist_ok=True)
    seen: dict[Path, Path] = {}
    for file in targets.files:
        other = seen.setdefault(file.parent.resolve() / file.name, file)
        if other is not file:
            output.exit_with_error(f"two reports would be written to {file}; name two files")
        if file.name.endswith(reader.SUFFIX):
            output.exit_with_error(f"{file} has the name of a scenario file; choose another name")
        output.check_writable(file)


def note_written(targets: "ReportTargets") -> None:
    """Say which files were written, except to a pipe or a stream."""
    if targets.folder:
        output.note(f"wrote {targets.folder / PAGE} and {len(targets.in_folder) - 1} files next to it")
    for file in (targets.html, targets.junit):
        if file and file.is_file() and file.parent not in DEVICE_FOLDERS:
            output.note(f"wrote {file}")
    if targets.allure:
        output.note(f"wrote results for Allure into {targets.allure}")


@contextmanager
def errors() -> Iterator[None]:
    """In its block, an OSError ends the program with an error."""
    try:
        yield
    except OSError as error:
        where = error.filename or "the reports"
        output.exit_with_error(
            f"cannot write {where}: {error.strerror}; choose another path", output.ENVIRONMENT
        )
