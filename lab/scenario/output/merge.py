"""The shards of a run as one report: checked against each other, and their results in the order of the cases."""

import filecmp
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from lab.scenario.engine.result import ScenarioResult
from lab.scenario.files.shards import ShardPart
from lab.scenario.output.report_file import ReportFooter, ReportHeader, ReportReader, UnusableFile
from lab.scenario.output.targets import REPORT, TIMINGS
from lab.scenario.output.timings import RecordedTimes, RunTimes, recorded_times

_LISTED_MAX: Final = 20
_WORDS: Final = {
    "count": "number of shards",
    "scenarios": "number of scenarios",
    "digest": "digest of the scenarios",
    "durations": "hash of the durations",
}


class MergeError(Exception):
    """Shards are missing or incomplete, or do not belong together; each of `faults` names one."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


@dataclass(frozen=True, slots=True)
class ShardReport:
    """The report of one shard, which has the first `done` of its scenarios."""

    reader: ReportReader
    part: ShardPart
    footer: ReportFooter
    done: int
    times: RecordedTimes

    def __str__(self) -> str:
        return f"{self.reader.file} (shard {self.part})"

    @property
    def common(self) -> dict[str, Any]:
        """What all shards of a run have in common, by name."""
        run = {name: value for name, value in asdict(self.reader.header).items() if name != "shard"}
        return run | {words: getattr(self.part, name) for name, words in _WORDS.items()}

    @property
    def complete(self) -> bool:
        """Whether it has a result for each of its scenarios."""
        return self.footer.complete and self.done == len(self.part.positions)

    def results(self) -> Iterator[tuple[int, ScenarioResult]]:
        """The results with their positions in the run, and with their times."""
        timings = iter(self.times.scenarios)
        for position, result in zip(self.part.positions, self.reader.results(), strict=False):
            yield position, replace(result, timing=next(timings, None))


class MergedRun:
    """A run from the reports of its shards, in any order; a report that is given twice counts once.

    `total` results, of which one of each shard is in memory. `complete` is False if a shard is missing or incomplete,
    which only `partial` allows; `absent` says which.
    """

    def __init__(self, paths: Iterable[Path], *, partial: bool = False) -> None:
        """Raises ReportFileError, and MergeError if shards are missing, incomplete or do not belong together."""
        self.shards = _without_copies(_of_one_run(_opened(paths)))
        self.absent = _missing(self.shards)
        self.absent += [
            f"{each} is incomplete, its run ended early" for each in self.shards if not each.complete
        ]
        if not partial:
            _refuse([f"{each}; give its report, run it again, or give --partial" for each in self.absent])
        self.complete = not self.absent
        self.header: ReportHeader = replace(self.shards[0].reader.header, shard=None)
        self.total = sum(each.done for each in self.shards)
        self.runs: list[RunTimes] = [run for each in self.shards for run in each.times.runs]
        self.unusable = _unusable(self.shards)

    def results(self) -> Iterator[ScenarioResult]:
        """The results in the order of the cases. Raises ReportFileError."""
        for _, result in merge(*(each.results() for each in self.shards), key=itemgetter(0)):
            yield result


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise MergeError(faults)


def _opened(paths: Iterable[Path]) -> list[ShardReport]:
    """The reports in these files or folders, in the order of the shards. Reads each to its end."""
    shards, faults = [], []
    for path in paths:
        reader = ReportReader(path / REPORT if path.is_dir() else path)
        done = sum(1 for _ in reader.lines())
        part, footer = reader.header.shard, reader.footer
        if part is None or footer is None:
            faults.append(f"{reader.file} is the report of a whole run, not of a shard")
        elif done > len(part.positions):
            faults.append(f"{reader.file} has more results than scenarios")
        else:
            times = recorded_times(reader.file.with_name(TIMINGS))
            shards.append(ShardReport(reader, part, footer, done, times))
    _refuse(faults)
    return sorted(shards, key=lambda each: (each.part.number, str(each.reader.file)))


def _of_one_run(shards: list[ShardReport]) -> list[ShardReport]:
    """The shards. Raises MergeError with each that differs from the run that most of them belong to, and in what."""
    runs = [each.common for each in shards]
    texts = [json.dumps(run, sort_keys=True) for run in runs]
    most = json.loads(Counter(texts).most_common(1)[0][0])
    faults = [
        f"{shard} is of another run: its {name} is {value!r}, that of the others {most[name]!r}"
        for shard, run in zip(shards, runs, strict=True)
        for name, value in run.items()
        if value != most[name]
    ]
    _refuse(faults)
    return shards


def _without_copies(shards: Iterable[ShardReport]) -> list[ShardReport]:
    """One report of each shard. Raises MergeError if two reports of a shard differ."""
    found: dict[int, ShardReport] = {}
    faults = []
    for each in shards:
        first = found.setdefault(each.part.number, each)
        if first is not each and not filecmp.cmp(first.reader.file, each.reader.file, shallow=False):
            faults.append(f"{first} and {each.reader.file} have different results; omit one of them")
    _refuse(faults)
    return list(found.values())


def _missing(shards: Sequence[ShardReport]) -> list[str]:
    """Which shards are missing, in a message. Empty if none is."""
    count = shards[0].part.count
    there = {each.part.number for each in shards}
    missing = [f"{number}/{count}" for number in range(1, count + 1) if number not in there]
    if len(missing) > _LISTED_MAX:
        missing[_LISTED_MAX:] = [f"{len(missing) - _LISTED_MAX} more"]
    return [f"missing: shard {', '.join(missing)}"] if missing else []


def _unusable(shards: Sequence[ShardReport]) -> tuple[UnusableFile, ...]:
    """The files that no shard could use. Every shard reads all files, so an equal list. Raises MergeError."""
    found = shards[0].footer.unusable
    faults = [
        f"{each} has other files that cannot be used than {shards[0]}"
        for each in shards
        if each.footer.unusable != found
    ]
    _refuse(faults)
    return found
