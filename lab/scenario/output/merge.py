"""The shards of a run as one report: checked against each other, and their results in the order of the cases."""

import hashlib
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
from lab.scenario.output.report_file import ReportHeader, ReportReader, UnusableFile
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
    """The report of one shard."""

    reader: ReportReader
    part: ShardPart
    times: RecordedTimes

    def __str__(self) -> str:
        return f"{self.reader.file} (shard {self.part.shard})"

    @property
    def common(self) -> dict[str, Any]:
        """What all shards of a run have in common, by name."""
        shard = {
            name: value for name, value in asdict(self.part).items() if name not in ("number", "positions")
        }
        run = {name: value for name, value in asdict(self.reader.header).items() if name != "shard"}
        return run | {_WORDS[name]: value for name, value in shard.items()}

    def results(self) -> Iterator[tuple[int, ScenarioResult]]:
        """The results with their positions in the run: fewer than the shard has if its run was interrupted."""
        positions, timings = iter(self.part.positions), iter(self.times.scenarios)
        for result in self.reader.results():
            position = next(positions, None)
            if position is None:
                raise MergeError([f"{self} has more results than scenarios"])
            yield position, replace(result, timing=next(timings, None))

    @property
    def complete(self) -> bool:
        """Whether it has a result for each of its scenarios. Known after the last result."""
        footer = self.reader.footer
        return (
            footer is not None and footer.complete and sum(footer.counts.values()) == len(self.part.positions)
        )


class MergedRun:
    """A run from the reports of its shards, in any order; a report that is given twice counts once.

    `unusable` and `complete` are there after the last result. With `partial`, shards may be missing or incomplete.
    """

    def __init__(self, paths: Iterable[Path], *, partial: bool = False) -> None:
        """Raises ReportFileError, and MergeError if shards are missing or do not belong together."""
        shards = _opened(paths)
        _check_same_run(shards)
        self.shards = _without_copies(shards)
        self.partial = partial
        missing = _missing(self.shards)
        if missing and not partial:
            raise MergeError([missing])
        self.header: ReportHeader = replace(self.shards[0].reader.header, shard=None)
        self.total = sum(len(each.part.positions) for each in self.shards)
        self.runs: list[RunTimes] = [run for each in self.shards for run in each.times.runs]
        self.unusable: tuple[UnusableFile, ...] = ()
        self.complete = not missing

    def results(self) -> Iterator[ScenarioResult]:
        """The results in the order of the cases. One of each shard is in memory. Raises ReportFileError, MergeError."""
        for _, result in merge(*(each.results() for each in self.shards), key=itemgetter(0)):
            yield result
        interrupted = [str(each) for each in self.shards if not each.complete]
        if interrupted and not self.partial:
            raise MergeError([f"{each} is incomplete; its run ended early" for each in interrupted])
        self.complete = self.complete and not interrupted
        self.unusable = self._unusable()

    def _unusable(self) -> tuple[UnusableFile, ...]:
        """The files that no shard could use. Every shard reads all files, so they all have the same."""
        found = [each.reader.footer.unusable for each in self.shards if each.reader.footer]
        faults = [
            f"{shard} has other files that cannot be used than {self.shards[0]}"
            for shard, files in zip(self.shards, found, strict=True)
            if files != found[0]
        ]
        if faults:
            raise MergeError(faults)
        return found[0]


def _opened(paths: Iterable[Path]) -> list[ShardReport]:
    """The reports in these files or folders, in the order of the shards."""
    readers = [ReportReader(path / REPORT if path.is_dir() else path) for path in paths]
    whole = [
        f"{each.file} is the report of a whole run, not of a shard"
        for each in readers
        if not each.header.shard
    ]
    if whole:
        raise MergeError(whole)
    shards = [
        ShardReport(each, each.header.shard, recorded_times(each.file.with_name(TIMINGS)))
        for each in readers
        if each.header.shard
    ]
    return sorted(shards, key=lambda each: (each.part.number, str(each.reader.file)))


def _check_same_run(shards: Sequence[ShardReport]) -> None:
    """Raises MergeError with each shard that differs from the run that most of them belong to, and in what."""
    runs = [each.common for each in shards]
    texts = [json.dumps(run, sort_keys=True) for run in runs]
    most = json.loads(Counter(texts).most_common(1)[0][0])
    faults = [
        f"{shard} is of another run: its {name} is {value!r}, that of the others {most[name]!r}"
        for shard, run in zip(shards, runs, strict=True)
        for name, value in run.items()
        if value != most[name]
    ]
    if faults:
        raise MergeError(faults)


def _without_copies(shards: Iterable[ShardReport]) -> list[ShardReport]:
    """One report of each shard. Raises MergeError if two reports of a shard differ."""
    found: dict[int, ShardReport] = {}
    faults = []
    for each in shards:
        first = found.setdefault(each.part.number, each)
        if first is not each and _digest(first.reader.file) != _digest(each.reader.file):
            faults.append(f"{first} and {each.reader.file} have different results; omit one of them")
    if faults:
        raise MergeError(faults)
    return list(found.values())


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _missing(shards: Sequence[ShardReport]) -> str:
    """Which shards are missing, in words. Empty if none is."""
    count = shards[0].part.count
    there = {each.part.number for each in shards}
    missing = [f"{number}/{count}" for number in range(1, count + 1) if number not in there]
    if len(missing) > _LISTED_MAX:
        missing[_LISTED_MAX:] = [f"{len(missing) - _LISTED_MAX} more"]
    return f"missing: shard {', '.join(missing)}" if missing else ""
