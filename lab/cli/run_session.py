"""A run of `activation run`: prints results as they come, writes the files at its end, and has the exit code."""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.run_options import RunOptions
from lab.cli.run_output import JsonOutput, ProgressBar, exit_code, print_result, summary
from lab.scenario.engine.interruption import Interruption, blocked
from lab.scenario.files.errors import ScenarioError
from text_input.printable import counted

with deferred():
    from lab.scenario.engine import remote_operations, runner
    from lab.scenario.model import groups
    from lab.world import temporary

if TYPE_CHECKING:
    from pathlib import Path

    from lab.cli.run_reports import RunReports
    from lab.scenario.engine.result import ScenarioResult, Status
    from lab.scenario.files.reader import Case
    from lab.scenario.files.selection import Selection
    from lab.scenario.output.last_failed import LastFailed


@dataclass
class RunSession:
    """What is done with the results of a run. `faults` are the files that cannot be used, found as they are read."""

    options: RunOptions
    plan: "runner.Plan"
    selection: "Selection"
    faults: Sequence[ScenarioError]
    reports: "RunReports"
    last_failed: "LastFailed"
    interruption: Interruption
    _counts: "Counter[Status]" = field(default_factory=Counter)
    _overdrawn: int = 0
    _written: "dict[str, list[Path]]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._json = JsonOutput() if self.options.json else None
        self._print = self._json.add if self._json else print_result

    def run(self, cases: "Iterable[Case]") -> int:
        """Run scenarios. Returns the exit code.

        Files are read when they are needed, or before if a progress bar needs the number of scenarios.
        """
        bar = None
        if ProgressBar.is_possible():
            cases = list(cases)
            bar = ProgressBar(len(cases))
        failures_max = 1 if self.options.stop else self.options.max_failures
        run = runner.Run(cases, self.plan, self.interruption, failures_max)
        self.interruption.abandon = lambda: self._abandon(run)
        with self.reports:
            for each in run.results():
                if bar:
                    bar.hide()
                self._add(each)
                if bar:
                    sys.stdout.flush()
                    bar.show(self._counts.total(), run.failures)
            if bar:
                bar.hide()
            return self._finish(run)

    def _add(self, each: "ScenarioResult") -> None:
        self._counts[each.status] += 1
        self._overdrawn += each.timing is not None and each.timing.over_budget
        with blocked():  # a write to a full pipe that is interrupted can lose text
            self._print(each)
            sys.stdout.flush()
        for verb, file in each.written:
            self._written.setdefault(verb, []).append(file)
        self.last_failed.add(each)
        self.reports.add(each)

    def _abandon(self, run: "runner.Run") -> NoReturn:
        """End the process from a signal handler, while a scenario runs and no result is being added."""
        code = output.ENVIRONMENT
        try:
            remote_operations.end_abandoned()
            code = self._finish(run)
        except typer.Exit as error:
            code = error.exit_code
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            temporary.remove_folders_of(os.getpid())
            os._exit(code)

    def _finish(self, run: "runner.Run") -> int:
        """Write everything. Returns the exit code."""
        signal = None if run.complete else self.interruption.signal
        stopped = ""
        if signal is not None:
            stopped = f"the run was interrupted by {signal.name}"
        elif not run.complete:
            stopped = f"the run stopped after {counted(run.failures, 'failure')}"
        with blocked():
            if self._json:
                self._json.close()
            elif self._counts or self.faults:
                output.say("\n" + summary(self._counts, len(self.faults), self._overdrawn))
            sys.stdout.flush()
        self.reports.close(self.faults, stopped or None)
        self._note_written()
        self._write_last_failed(complete=run.complete)
        if stopped:
            output.note(f"{stopped}; not all scenarios were run")
        if signal is not None:
            return 128 + signal
        code = selection_code(self.selection, self.faults, self.interruption) if run.complete else 0
        return code or exit_code(self._counts)

    def _note_written(self) -> None:
        """Say which files the steps wrote, and also if `--update-golden` had nothing to write."""
        if count := len(self._written.get("screenshot", ())):
            output.note(f"wrote {counted(count, 'screenshot')} into {self.options.screenshots}")
        golden = [str(file) for file in self._written.get("golden", ())]
        if golden or self.options.update_golden:
            files = f": {groups.some_names(golden)}" if golden else ", as no screen has changed"
            output.note(f"wrote {counted(len(golden), 'golden file')}{files}")

    def _write_last_failed(self, *, complete: bool) -> None:
        if complete and (missing := self.last_failed.drop_missing()):
            output.note(f"failed before and no longer there: {', '.join(missing)}")
        try:
            self.last_failed.write()
        except OSError as error:
            output.note(f"cannot write {self.last_failed.file}: {error.strerror}")


def selection_code(
    selection: "Selection", faults: Sequence[ScenarioError], interruption: Interruption
) -> int:
    """The exit code after all files were read: 2 if one cannot be used, or if the selection matched nothing.

    Prints each name or tag that matched nothing.
    """
    if interruption.unread and interruption.signal is not None:
        return 128 + interruption.signal
    unmatched = list(selection.unmatched())
    if not selection.found and not faults and not unmatched:
        unmatched = ["no scenario matches all of these options; --list shows ids and tags"]
    for line in unmatched:
        output.note(line)
    return output.USAGE if unmatched or faults else 0
