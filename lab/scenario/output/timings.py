"""`timings.json`: what is no function of commit, scenarios and seed: real times, dates, hosts and interruptions.

`timings.js` has the same for the page: one value for each of its rows, in their order.
"""

import os
import platform
from array import array
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

from lab.scenario.engine.result import ScenarioResult, Timing
from lab.scenario.output.page_data import in_script
from lab.scenario.output.report_file import ReportFileError, json_line


@dataclass(frozen=True, slots=True)
class RunTimes:
    """One run: when (RFC 3339, UTC), where and how. `interrupted` says by what, None if it was not."""

    began: str
    ended: str
    seconds: float
    host: str
    platform: str
    python: str
    processors: int
    workers: int
    interrupted: str | None = None

    @classmethod
    def until_now(cls, began: datetime, workers: int, interrupted: str | None = None) -> "RunTimes":
        """A run on this machine that ends now."""
        now = datetime.now(UTC)
        return cls(
            began=began.isoformat(timespec="seconds"),
            ended=now.isoformat(timespec="seconds"),
            seconds=round((now - began).total_seconds(), 3),
            host=platform.node(),
            platform=platform.platform(),
            python=f"{platform.python_implementation()} {platform.python_version()}",
            processors=os.cpu_count() or 1,
            workers=workers,
            interrupted=interrupted,
        )


@dataclass(frozen=True, slots=True)
class RecordedTimes:
    """The times in a `timings.json`: of each scenario in the order of the report, and of each run."""

    scenarios: tuple[Timing, ...] = ()
    runs: tuple[RunTimes, ...] = ()


def recorded_times(file: Path) -> RecordedTimes:
    """The times in `file`; none if it does not exist. Raises ReportFileError."""
    try:
        return TypeAdapter(RecordedTimes).validate_json(file.read_bytes())
    except FileNotFoundError:
        return RecordedTimes()
    except OSError as error:
        raise ReportFileError(f"{file} cannot be read: {error.strerror}") from None
    except ValidationError:
        message = f"{file} has no times as `activation run --report` writes them; remove it"
        raise ReportFileError(message) from None


class Timings:
    """Collects the times of scenarios in their order. The rows of the document are in `spool`."""

    def __init__(self, spool: BinaryIO) -> None:
        self._spool = spool
        self.seconds, self.processor_seconds = array("d"), array("d")

    def add(self, result: ScenarioResult) -> None:
        """Add a scenario. Without `timing` it took no time."""
        timing = result.timing or Timing(0.0, 0.0, 0.0)
        times = {name: round(value, 6) for name, value in asdict(timing).items()}
        row = json_line({"id": result.id, "file": result.file, **times})
        self._spool.write(((",\n" if self.seconds else "") + row).encode())
        self.seconds.append(timing.seconds)
        self.processor_seconds.append(timing.processor_seconds)

    def write(self, stream: BinaryIO, runs: Iterable[RunTimes]) -> None:
        """Write the document."""
        stream.write(b'{"scenarios":[\n')
        self._spool.seek(0)
        stream.writelines(self._spool)
        stream.write(f'\n],"runs":{json_line([asdict(each) for each in runs])}}}\n'.encode())

    def write_script(self, stream: BinaryIO, runs: Iterable[RunTimes]) -> None:
        """Write the script for the page."""
        value = {
            "runs": [asdict(each) for each in runs],
            "seconds": [round(each, 3) for each in self.seconds],
            "processor_seconds": [round(each, 3) for each in self.processor_seconds],
        }
        stream.write(f"window.activationTimings = {in_script(value)};\n".encode())
