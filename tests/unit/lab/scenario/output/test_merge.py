"""Shards merge into the report of the whole run; one that is missing, foreign or incomplete is named."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from lab.scenario.engine.result import ScenarioResult
from lab.scenario.files.errors import FileError, FileErrorCode
from lab.scenario.files.shards import Durations, Shard, part
from lab.scenario.output.merge import MergedRun, MergeError
from lab.scenario.output.report_file import (
    ReportFileError,
    ReportFooter,
    ReportHeader,
    ReportWriter,
    UnusableFile,
)
from lab.scenario.output.targets import REPORT
from tests.support.scenarios import played

UNUSABLE = (UnusableFile("b.scenario.yaml", (FileError(1, 2, FileErrorCode.SYNTAX, "steps", "is wrong"),)),)
HEADER = ReportHeader("c0ffee", "7")
KNOWN = Durations({f"s{number}": number for number in range(9)}, "hash")


@pytest.fixture(scope="module")
def results() -> list[ScenarioResult]:
    """Twenty results, of which every third failed."""
    passed, failed = (played(f"- {{expect: phone, outcome: {word}}}") for word in ("off", "locked"))
    return [replace((passed, failed)[at % 3 == 0], id=f"s{at}") for at in range(20)]


def write(
    folder: Path,
    results: Sequence[ScenarioResult],
    header: ReportHeader = HEADER,
    *,
    done: int = 99,
    unusable: tuple[UnusableFile, ...] = UNUSABLE,
) -> Path:
    """A report of these results, or with a shard in the header, of its part, of which the first `done` were run."""
    folder.mkdir(parents=True)
    positions = header.shard.positions if header.shard else range(len(results))
    with (folder / REPORT).open("wb") as stream:
        writer = ReportWriter(stream, header)
        for at in positions[:done]:
            writer.add(results[at])
        writer.close(ReportFooter({}, unusable, complete=done >= len(positions)))
    return folder


def shard_header(
    results: Sequence[ScenarioResult], number: int, count: int, known: Durations = KNOWN
) -> ReportHeader:
    names = [(each.id, each.file) for each in results]
    return replace(HEADER, shard=part(Shard(number, count), known, names))


Shards = Callable[[int], list[Path]]


@pytest.fixture
def shards(tmp_path: Path, results: list[ScenarioResult]) -> Shards:
    """Writes a run in so many shards."""

    def written(count: int) -> list[Path]:
        headers = [shard_header(results, number + 1, count) for number in range(count)]
        return [write(tmp_path / f"of{count}" / str(at), results, each) for at, each in enumerate(headers)]

    return written


def merged(paths: Sequence[Path], *, partial: bool = False) -> bytes:
    run = MergedRun(paths, partial=partial)
    stream = io.BytesIO()
    writer = ReportWriter(stream, run.header)
    for each in run.results():
        writer.add(each)
    writer.close(ReportFooter({}, run.unusable, run.complete))
    return stream.getvalue()


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_merged_shards_are_the_bytes_of_the_whole_run_in_any_order_and_with_copies(
    tmp_path: Path, results: list[ScenarioResult], shards: Shards, count: int
) -> None:
    paths = shards(count)
    whole = (write(tmp_path / "whole", results) / REPORT).read_bytes()
    for seed in range(3):
        given = [*paths, *(path / REPORT for path in paths[:seed])]
        Random(seed).shuffle(given)
        assert merged(given) == whole


def test_missing_shards_are_named(shards: Shards) -> None:
    paths = shards(7)
    with pytest.raises(MergeError, match=r"missing: shard 3/7, 6/7;"):
        MergedRun([paths[at] for at in (6, 0, 3, 4, 1)])
    with pytest.raises(MergeError, match=r"21/64, 43 more;"):
        MergedRun(shards(64)[:1])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            lambda header, _: replace(header, commit="f00d"),
            "its commit is 'f00d', that of the others 'c0ffee'",
        ),
        (lambda header, _: replace(header, seed="8"), "its seed is '8', that of the others '7'"),
        (lambda header, _: replace(header, version="0.1"), "its version is '0.1'"),
        (lambda header, _: replace(header, details=True), "its details is True"),
        (lambda _, results: shard_header(results, 2, 8), "its number of shards is 8, that of the others 3"),
        (lambda _, results: shard_header(results, 2, 3, Durations()), "its hash of the durations is None"),
        (lambda _, results: shard_header(results[1:], 2, 3), "its number of scenarios is 19"),
        (lambda _, results: shard_header(results[::-1], 2, 3), "its digest of the scenarios is"),
    ],
)
def test_foreign_shard_is_named_with_what_differs(
    tmp_path: Path,
    results: list[ScenarioResult],
    shards: Shards,
    change: Callable[[ReportHeader, list[ScenarioResult]], ReportHeader],
    named: str,
) -> None:
    foreign = write(tmp_path / "foreign", results, change(shard_header(results, 2, 3), results))
    first, second, third = shards(3)
    for given in ([first, foreign, third], [foreign, third, second, first]):
        for partial in (False, True):
            with pytest.raises(MergeError, match=rf"foreign/report.json .shard 2/.*: {named}") as found:
                MergedRun(given, partial=partial)
            assert all("foreign" in fault for fault in found.value.faults)


def test_report_of_a_whole_run_is_named(
    tmp_path: Path, results: list[ScenarioResult], shards: Shards
) -> None:
    with pytest.raises(MergeError, match=r"whole/report.json is the report of a whole run"):
        MergedRun([*shards(2), write(tmp_path / "whole", results)])


def test_two_results_of_a_shard_are_named(
    tmp_path: Path, results: list[ScenarioResult], shards: Shards
) -> None:
    other = [replace(each, elapsed=each.elapsed + 1) for each in results]
    write(tmp_path / "again", other, shard_header(results, 2, 2))
    with pytest.raises(
        MergeError, match=r"again/report.json .shard 2/2. and .*of2/1/report.json have different results"
    ):
        MergedRun([tmp_path / "again", *shards(2)])


def test_shard_that_was_interrupted_is_named(
    tmp_path: Path, results: list[ScenarioResult], shards: Shards
) -> None:
    some = write(tmp_path / "some", results, shard_header(results, 2, 2), done=4)
    with pytest.raises(MergeError, match=r"some/report.json .shard 2/2. is incomplete"):
        merged([shards(2)[0], some])


def test_shard_with_other_unusable_files_is_named(
    tmp_path: Path, results: list[ScenarioResult], shards: Shards
) -> None:
    other = write(tmp_path / "other", results, shard_header(results, 2, 2), unusable=())
    with pytest.raises(MergeError, match=r"other/report.json .shard 2/2. has other files"):
        merged([shards(2)[0], other])


def test_file_that_is_no_report_is_named(tmp_path: Path, shards: Shards) -> None:
    paths = shards(2)
    with pytest.raises(ReportFileError, match=r"nothing cannot be read"):
        MergedRun([*paths, tmp_path / "nothing"])
    content = (paths[1] / REPORT).read_bytes()
    (paths[1] / REPORT).write_bytes(content[: len(content) // 2])
    with pytest.raises(ReportFileError, match=r"of2/1/report.json ends in the middle"):
        merged(paths)


def test_partial_merge_has_what_is_there_and_is_incomplete(
    tmp_path: Path, results: list[ScenarioResult], shards: Shards
) -> None:
    header = shard_header(results, 2, 3)
    some = write(tmp_path / "some", results, header, done=2)
    first = shards(3)[0]
    names = [(each.id, each.file) for each in results]
    numbers = [part(Shard(number, 3), KNOWN, names).positions for number in (1, 2)]
    there = sorted((*numbers[0], *numbers[1][:2]))
    expected = write(tmp_path / "expected", [results[at] for at in there], done=len(there))
    content = (expected / REPORT).read_bytes().replace(b'"complete":true', b'"complete":false')
    assert merged([some, first], partial=True) == content
